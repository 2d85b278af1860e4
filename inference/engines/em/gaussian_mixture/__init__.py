"""Closed-form EM for the Gaussian mixture: quadratic features of standardised rows.

The features are 1, y and the products y_i y_j of y = (x - centre) / scale, so that neither a large offset nor
columns of different units cost digits. Where a component is narrow beside its distance from the others, its sums are
about its own mean (``MAX_PRECISION``). MAP: the mean given the old precision, then the precision given the new mean
(ECM, Meng and Rubin 1993), each the mode of its conjugate posterior.

Maximum likelihood under a floor that the user gives: the eigenvalues of each covariance are clipped from below, which
is the constrained maximum, so the likelihood cannot fall. Without one a component may be as narrow as numbers of 64
bits allow, and is an error at that limit: the standard deviation of a column at ``RESOLUTION`` of that of all rows, as
of a single point, or an eigenvalue of the correlations of a component at ``MIN_EIGENVALUE``, as of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from inference.engines.em.options import PreparedOptions
from zoo import ZooError

KIND = "exponential_family"
MAX_PRECISION = 1e4  # of a component, where columns have variance one: above it features lose digits that count
RESOLUTION = 1e-12
MIN_EIGENVALUE = 1e-13


class Floors(NamedTuple):
    """The floors of one fit, where columns have variance one.

    variance: (D,), of a column in a component. eigenvalue: of the correlations of a component. clip: the floor that the
    user gives under the eigenvalues of each covariance, which replaces both, at least that of the digits of the data;
    None where there is none.
    """

    variance: np.ndarray
    eigenvalue: float
    clip: float | None


def floors(options: PreparedOptions, centre: np.ndarray, scale: np.ndarray) -> Floors:
    """The floors for data with these means and standard deviations (D,); the prior of MAP needs no other."""
    digits = 8 * last_digit(centre, scale)
    least, clip = float(digits.max(initial=0.0)) ** 2, options.covariance_floor
    if least > MIN_EIGENVALUE and (clip is not None or options.is_map):  # below it there is rounding alone
        clip = max(clip or 0.0, least)
    if options.is_map:
        return Floors(np.zeros(len(scale)), 0.0, clip)
    return Floors(np.maximum(digits, RESOLUTION) ** 2, max(MIN_EIGENVALUE, least), clip)


def last_digit(centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The rounding errors (D,) of data and means about a large offset, in standard deviations of the columns."""
    return np.finfo(float).eps * np.abs(centre) / scale


def narrowest(precision: np.ndarray, covariance: str, scale: np.ndarray, floor: Floors) -> np.ndarray:
    """The least variance of each component, or of all, as a multiple of the floor; near 1 it is at the floor."""
    match covariance:
        case "full" | "tied":
            variance, correlated = variances_and_correlations(precision, scale)
            return np.minimum((variance / floor.variance).min(1), correlated / floor.eigenvalue / 2)
        case "diag" | "tied_diag":
            return (1 / (precision.reshape(-1, len(scale)) * scale**2) / floor.variance).min(1)
    return 1 / (precision * scale[0] ** 2) / floor.variance.mean()


def variances_and_correlations(precision: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variances (K, D) of components with full precisions, and the least eigenvalues (K,) of their correlations."""
    P = precision.reshape(-1, *precision.shape[-2:]) * np.multiply.outer(scale, scale)
    variance = np.diagonal(np.linalg.inv(P), axis1=1, axis2=2)
    width = np.sqrt(variance)
    return variance, 1 / np.linalg.eigvalsh(P * width[:, :, None] * width[:, None, :])[:, -1]


def condition(precision: np.ndarray, covariance: str, centre: np.ndarray, scale: np.ndarray) -> float:
    """The factor by which a rounding error grows in the log density of a value.

    A precision has numbers as large as the reciprocal of the least eigenvalue of the correlations, whose rounding is
    that of squares of order one. Differences to the mean of a narrow component have the rounding of standardised data;
    means about a large offset have that of their last digit, whose square counts, since they are near a maximum.
    """
    match covariance:
        case "full" | "tied":
            variances, correlations = variances_and_correlations(precision, scale)
            variance, correlated = variances.min(), correlations.min()
        case "diag" | "tied_diag":
            variance, correlated = 1 / (precision * scale**2).max(), 1.0
        case _:
            variance, correlated = 1 / (precision.max() * scale[0] ** 2), 1.0
    of_means = last_digit(centre, scale).max() ** 2 / np.finfo(float).eps
    return float(1 / correlated + 1 / np.sqrt(variance) + of_means / (correlated * variance))


def make_check(
    floor: Floors, options: PreparedOptions, covariance: str, scale: np.ndarray
) -> Callable[[Mapping[str, np.ndarray]], None]:
    """A function that raises ZooError where a component is at the floor, unless the user sets it."""

    def check(params: Mapping[str, np.ndarray]) -> None:
        if floor.clip is not None or options.is_map:
            return
        relative = narrowest(params["Lambda"], covariance, scale, floor)
        k = int(relative.argmin())
        if relative[k] <= 1.01:
            pi, total = params["pi"], options.total_weight
            name = f"component {k}" if len(relative) > 1 else "the covariance"
            rows = f" ({pi[k] * total:.4g} of {total:.4g} rows)" if len(relative) > 1 else ""
            raise ZooError(
                f"{name} collapsed to a point, a line or a plane{rows}, so the likelihood has no maximum there; "
                "use objective='map', fewer K, another seed, or give a covariance_floor"
            )

    return check
