"""Linear-Gaussian models, as cards describe them: a row is linear in its latents, plus noise.

    c_n  ~ Categorical(pi)                      the component, where there are several
    z_n  ~ Normal(0, I)                         [Z]
    x_n  ~ Normal(W_c z_n + mu_c, diag(Psi_c))  [D]

so that p(x_n) is a mixture of normals with covariances W_c W_c' + diag(Psi_c) (Bishop 2006, section 12.2). What this
makes exact is in ``inference.gaussian``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo.errors import ZooError
from zoo.streaming import blocks

CONSTANT = 1e-12  # of a column's mean: a spread below it is rounding
LARGEST = 1e100  # spread, and its inverse the smallest, whose squares and their products are numbers of 64 bits
FAR = 1e4  # mean^2 over variance: beyond it too few digits are left of a mean square less the square of the mean


class Linear(NamedTuple):
    """The parameters as numpy, with any leading dimensions; one component is K = 1."""

    pi: np.ndarray  # (..., K)
    W: np.ndarray  # (..., K, D, Z)
    mu: np.ndarray  # (..., K, D)
    Psi: np.ndarray  # (..., K, D)

    @classmethod
    def single(cls, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Linear:
        """One component: W (..., D, Z), mu (..., D), Psi (..., D)."""
        return cls(np.ones((*mu.shape[:-1], 1)), W[..., None, :, :], mu[..., None, :], Psi[..., None, :])


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
