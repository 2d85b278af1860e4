"""Moments of the columns of a table, read a block of rows at a time."""

from __future__ import annotations

import numpy as np

from zoo.data.blocks import blocks
from zoo.errors import ZooError

CONSTANT = 1e-12  # of a column's mean: a spread below it is rounding
LARGEST = 1e100  # spread, and its inverse the smallest, whose squares and their products are numbers of 64 bits
FAR = 1e4  # mean^2 over variance: beyond it too few digits are left of a mean square less the square of the mean
LEAST = 1e-3  # chance of a pixel that was always (or never) on


def location_and_spread(x: np.ndarray, Z: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and standard deviation of what was seen of each column, (D,) each, of x (N, D), NaN where missing.

    Raises ZooError where no factor model has a likelihood with a maximum: fewer than two rows, a column that is
    constant or missing throughout, as many latent dimensions as columns; and for a spread beyond 1e100 or 1e-100.
    """
    N, D = x.shape
    if N < 2:
        raise ZooError("one row has no covariance: give at least two rows")
    if Z >= D:
        raise ZooError(f"Z={Z} latent dimensions for D={D} columns: take Z={D - 1} or fewer")
    shift = first_seen(x)
    for _ in range(2):
        count, total, square = sums(x, shift)
        if (count == 0).any():
            raise ZooError(f"column {np.flatnonzero(count == 0)[0]} of x is missing throughout: drop it")
        with np.errstate(over="ignore", invalid="ignore"):
            mean = total / count
            variance = np.maximum(square / count - mean**2, 0.0)
            loc = shift + mean
            if (mean**2 <= FAR * variance).all():
                break  # else once more, about the mean
        shift = loc
    spread = np.sqrt(variance)
    flat = spread <= CONSTANT * np.abs(loc)
    if flat.any():
        raise ZooError(
            f"column {np.flatnonzero(flat)[0]} of x is constant to 12 digits, so it has no variance: drop it, or take "
            "its offset away"
        )
    beyond = ~((spread > 1 / LARGEST) & (spread < LARGEST))
    if beyond.any():
        raise ZooError(f"column {np.flatnonzero(beyond)[0]} of x has squares beyond 64 bits: give it in other units")
    return loc, spread


def first_seen(x: np.ndarray) -> np.ndarray:
    """The first value of each column that is not NaN, (D,), or NaN."""
    found = np.array(x[0], dtype=float)
    for _, block in blocks(x):
        open_ = np.flatnonzero(np.isnan(found))
        if not open_.size:
            break
        holes = np.isnan(block[:, open_])
        found[open_] = block[holes.argmin(0), open_]
    return found


def sums(x: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many values each column has, and the sums of x - shift and of its square, (D,) each."""
    D = x.shape[1]
    count, total, square = np.zeros(D), np.zeros(D), np.zeros(D)
    for _, block in blocks(x):
        y = block - shift
        ones = np.ones(len(y))  # a product is quicker than a sum
        part = ones @ y
        if np.isnan(part).any():
            seen = ~np.isnan(y)
            count += seen.sum(0)
            y = np.where(seen, y, 0.0)
            part = ones @ y
        else:
            count += len(y)
        total += part
        square += np.einsum("nd,nd->d", y, y)
    return count, total, square


def log_odds(x: np.ndarray) -> np.ndarray:
    """The log-odds of each pixel's mean, (D,), of x (N, D) in 0 to 1; 0 for a pixel that nobody saw.

    A mean below 0.001 or above 0.999 counts as that much, so that a pixel which was never on may be once.
    """
    count, total, _ = sums(x, np.zeros(x.shape[1]))
    mean = np.clip(np.divide(total, count, out=np.full(len(count), 0.5), where=count > 0), LEAST, 1 - LEAST)
    return np.log(mean / (1 - mean))


def mean_and_spread(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean of each pixel, (D,), and the root of the mean of their variances, of x (N, D), NaN where missing.

    A pixel may be constant; nobody saw one has the mean of the others. Raises ZooError where all are constant.
    """
    count, total, _ = sums(x, np.zeros(x.shape[1]))
    seen = count > 0
    mean = np.where(seen, total / np.maximum(count, 1), total.sum() / count.sum())
    square = sums(x, mean)[2]  # about the mean: no difference of large numbers
    spread = float(np.sqrt((square[seen] / count[seen]).mean()))
    if not spread > 1e-12 * float(np.abs(mean).max()):
        raise ZooError("every pixel of x is constant: there is nothing to learn; give images that differ")
    return mean, spread
