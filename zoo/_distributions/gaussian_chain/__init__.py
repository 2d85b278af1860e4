"""Linear-Gaussian chains: Z normal numbers that move by a linear map and noise, and rows of observations of them.

    z_1 ~ Normal(loc, S S'),    z_t ~ Normal(A z_{t-1} + b_t, Q Q')       t = 2, ..., T
    x_t ~ Normal(W z_t + mu, diag(Psi))

Each ``in_<backend>.py`` provides

    GaussianChain(loc, scale_tril, transition, noise_tril, T, offset)    z, one event (T, Z)
    GaussianChainRows(chain, loading, loc, cov_diag)                     x, one event (T, D), with z integrated out

S, A and Q are (..., Z, Z) and b (..., T - 1, Z), 0 unless given.

loading W (..., D, Z), loc mu and cov_diag Psi (..., D). A missing value of x (NaN) is left out, which is the exact
marginal density, since a part of a normal vector is normal: so a sequence may end before T, and a step may be without
values. The density of x is that of a Kalman filter (Kalman 1960); of each step the filter needs a matrix of Z by Z, and
never one of D by D.

Where squares are near the largest number of their precision (by ``NEARLY_INFINITE``), sums may be differences of
infinite numbers: there the density is 0.
"""

from __future__ import annotations

from zoo.checks import is_whole
from zoo.errors import ZooError

Shape = tuple[int, ...]
NEARLY_INFINITE = 1e-8


def check_shapes(loc: Shape, scale_tril: Shape, transition: Shape, noise_tril: Shape, offset: Shape, T: object) -> None:
    """Raise ZooError where the parameters of a chain do not fit each other, or the number of steps.

    >>> check_shapes((2,), (2, 2), (2, 2), (2, 2), (9, 2), 10)
    >>> check_shapes((2,), (2, 2), (3, 3), (2, 2), (1, 2), 10)
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: loc of a GaussianChain has Z=2 dimensions: transition is (..., 2, 2), not (3, 3)
    """
    if not is_whole(T) or T < 1:
        raise ZooError(f"T is the number of steps of a GaussianChain: give a whole number from 1 up, not {T!r}")
    if not loc:
        raise ZooError("loc of a GaussianChain has the means of the first step: give (Z) of them, not a number")
    Z = loc[-1]
    for name, shape in (("scale_tril", scale_tril), ("transition", transition), ("noise_tril", noise_tril)):
        if shape[-2:] != (Z, Z):
            raise ZooError(f"loc of a GaussianChain has Z={Z} dimensions: {name} is (..., {Z}, {Z}), not {shape}")
    if offset[-1:] != (Z,) or offset[-2:-1] not in ((1,), (T - 1,)):
        raise ZooError(
            f"offset of a GaussianChain is (..., {T - 1}, {Z}), or (..., 1, {Z}) for all steps, not {offset}"
        )


def check_loading(loading: Shape, loc: Shape, cov_diag: Shape, Z: int) -> None:
    """Raise ZooError where what is observed does not fit a chain of Z dimensions.

    >>> check_loading((5, 2), (5,), (5,), 2)
    >>> check_loading((5, 3), (5,), (5,), 2)
    Traceback (most recent call last):
    ...
    zoo.errors.ZooError: the chain has Z=2 dimensions: loading is (..., D, 2), not (5, 3)
    """
    if len(loading) < 2 or loading[-1] != Z:
        raise ZooError(f"the chain has Z={Z} dimensions: loading is (..., D, {Z}), not {loading}")
    D = loading[-2]
    for name, shape in (("loc", loc), ("cov_diag", cov_diag)):
        if shape[-1:] not in ((D,), (1,), ()):
            raise ZooError(f"loading has D={D} rows: {name} is (..., {D}) or a number, not {shape}")
