"""Monte Carlo standard errors of the numbers of a comparison."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.evaluation.comparison.agreement import is_constant, relative_variance_error
from inference.evaluation.comparison.joint_quantities import Sample
from inference.evaluation.comparison.record import ComparisonRecord
from inference.summaries.statistics import FitStatistics


class QuantityErrors(NamedTuple):
    """Standard errors of each quantity of one fit, (quantities,): of its moments and of its distances.

    NaN for the moments of a point, which is no mean of draws. ``delta`` is in sds of the reference; the Wasserstein
    distance varies about as it does.
    """

    mean: np.ndarray
    sd: np.ndarray
    delta: np.ndarray
    sd_ratio: np.ndarray


def monte_carlo_errors(c: ComparisonRecord) -> dict[str, QuantityErrors]:
    """The errors of each fit; the distances of the reference from itself have none."""
    moments = {name: moment_errors(s) for name, s in c.statistics.items()}
    reference, (of_mean, of_sd) = c.statistics[c.reference], moments[c.reference]
    errors = {}
    for name, s in c.statistics.items():
        mean, sd = moments[name]
        with np.errstate(all="ignore"):  # a point has no error of its own
            delta = np.sqrt(np.nan_to_num(mean) ** 2 + of_mean**2) / reference.sd
            ratio = s.sd / reference.sd * np.sqrt((sd / s.sd) ** 2 + (of_sd / reference.sd) ** 2)
        is_exact = (name == c.reference) | (is_constant(s.flat) & is_constant(reference.flat))
        errors[name] = QuantityErrors(mean, sd, np.where(is_exact, 0.0, delta), np.where(is_exact, 0.0, ratio))
    return errors


def moment_errors(s: FitStatistics) -> tuple[np.ndarray, np.ndarray]:
    """The standard errors of the mean and of the standard deviation of each quantity.

    That of a mean is sd / sqrt(ESS), with the effective sample size of the mean and not that of the ranks
    (Vehtari et al. 2021); that of a standard deviation has the kurtosis of the draws.
    """
    if s.kind == "point":
        nan = np.full(len(s.quantities), np.nan)
        return nan, nan
    with np.errstate(all="ignore"):
        mean = chain_mean_errors(s.values) if s.kind == "chains" else s.sd / np.sqrt(s.ess_bulk)
        sd = s.sd * 0.5 * np.sqrt(relative_variance_error(Sample(s.quantities, s.values, s.ess_bulk, s.ess_tail)))
    constant = is_constant(s.flat)
    return np.where(constant, 0.0, mean), np.where(constant, 0.0, sd)


def chain_mean_errors(values: np.ndarray) -> np.ndarray:
    """The standard error of the mean of each quantity, (quantities,), of chains (chain, draw, quantities)."""
    from arviz_stats.base.array import array_stats

    return np.asarray(array_stats.mcse(np.moveaxis(values, -1, 0), method="mean"))
