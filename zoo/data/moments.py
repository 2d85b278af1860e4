"""Moments of the columns of a table, computed from blocks of rows."""

from __future__ import annotations

import numpy as np

from zoo.data.blocks import weighted_blocks
from zoo.errors import ColumnError, ZooError

MIN_RELATIVE_SPREAD = 1e-12  # of a column's mean: a smaller spread is rounding error
MAX_SPREAD = 1e100  # and its inverse the least spread: squares and their products are finite in 64 bits
MAX_SQUARED_MEAN_RATIO = 1e4  # mean^2 / variance: beyond it, mean square less squared mean has too few digits
MIN_PROBABILITY = 1e-3  # of a pixel that is 1 in no row, or 0 in no row


def location_and_spread(x: np.ndarray, Z: int, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The mean and standard deviation (D,) of the observed values of each column of x (N, D), NaN where missing.

    weights: (N,), of the rows; None where every row counts once. Raises ZooError where no factor model has a likelihood
    with a maximum: fewer than two rows, a column that is constant or entirely missing, as many latent dimensions as
    columns; and for a spread above 1e100 or below 1e-100.
    """
    D = x.shape[1]
    if (len(x) if weights is None else np.count_nonzero(weights)) < 2:
        raise ZooError("one row has no covariance: give at least two rows")
    if Z >= D:
        raise ZooError(f"Z={Z} latent dimensions for D={D} columns: take Z={D - 1} or fewer")
    loc, mean, variance = _moments_about(x, first_observed(x, weights), weights)
    with np.errstate(over="ignore", invalid="ignore"):
        has_lost_digits = not (mean**2 <= MAX_SQUARED_MEAN_RATIO * variance).all()
    if has_lost_digits:
        loc, _, variance = _moments_about(x, loc, weights)
    spread = np.sqrt(variance)
    is_constant = spread <= MIN_RELATIVE_SPREAD * np.abs(loc)
    if is_constant.any():
        raise ColumnError(
            "column {} of x is constant to 12 digits, so it has no variance: drop it, or take its offset away",
            np.flatnonzero(is_constant)[:1],
        )
    is_extreme = ~((spread > 1 / MAX_SPREAD) & (spread < MAX_SPREAD))
    if is_extreme.any():
        raise ColumnError(
            "column {} of x has squares beyond 64 bits: give it in other units", np.flatnonzero(is_extreme)[:1]
        )
    return loc, spread


def _moments_about(
    x: np.ndarray, shift: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of each column, its difference from ``shift``, and the variance, (D,) each; computed from x - shift."""
    count, total, square = column_sums(x, shift, weights)
    if (count == 0).any():
        raise ColumnError("column {} of x is missing throughout: drop it", np.flatnonzero(count == 0)[:1])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = total / count
        return shift + mean, mean, np.maximum(square / count - mean**2, 0.0)


def first_observed(x: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The first value of each column that is not NaN, (D,), or NaN, among the rows of positive weight."""
    values = np.full(x.shape[1], np.nan)
    for block, _ in weighted_blocks(x, weights):
        columns = np.flatnonzero(np.isnan(values))
        if not columns.size:
            break
        is_missing = np.isnan(block[:, columns])
        values[columns] = block[is_missing.argmin(0), columns]
    return values


def column_sums(
    x: np.ndarray, shift: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The number of observed values of each column, and the sums of x - shift and of its square, (D,) each.

    Rows are counted by their weights (N,), or once where these are None.
    """
    D = x.shape[1]
    count, total, square = np.zeros(D), np.zeros(D), np.zeros(D)
    with np.errstate(over="ignore", invalid="ignore"):  # columns whose sums are not finite are refused by name
        for block, w in weighted_blocks(x, weights):
            y = block - shift
            part = w @ y  # a matrix product is faster than a sum
            if np.isnan(part).any():
                observed = ~np.isnan(y)
                count += w @ observed
                y = np.where(observed, y, 0.0)
                part = w @ y
            else:
                count += w.sum()
            total += part
            square += w @ np.square(y)
    return count, total, square


def log_odds(x: np.ndarray) -> np.ndarray:
    """The log-odds of each pixel's mean, (D,), of x (N, D) in 0 to 1; 0 for a pixel that is missing in all rows.

    A mean below 0.001 or above 0.999 is replaced by that bound, so that no pixel has probability 0.
    """
    count, total, _ = column_sums(x, np.zeros(x.shape[1]))
    mean = np.divide(total, count, out=np.full(len(count), 0.5), where=count > 0)
    mean = np.clip(mean, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.log(mean / (1 - mean))


def mean_and_spread(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean of each pixel, (D,), and the root of the mean of their variances, of x (N, D), NaN where missing.

    A pixel may be constant; one that is missing in all rows has the mean of the others. Raises ZooError where all
    pixels are constant, and for squares beyond 64 bits.
    """
    count, total, _ = column_sums(x, np.zeros(x.shape[1]))
    observed = count > 0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(observed, total / np.maximum(count, 1), total.sum() / count.sum())
        square = column_sums(x, mean)[2]  # about the mean, which avoids a difference of large numbers
        spread = float(np.sqrt((square[observed] / count[observed]).mean()))
    if not spread < MAX_SPREAD:
        raise ZooError("x has squares beyond 64 bits: give it in other units, or drop values that are far away")
    if not spread > MIN_RELATIVE_SPREAD * float(np.abs(mean).max()):
        raise ZooError("every pixel of x is constant: there is nothing to learn; give images that differ")
    return mean, spread
