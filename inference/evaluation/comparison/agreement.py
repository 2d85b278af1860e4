"""Agreement of a fit with the reference, or of a guide with its own reweighted draws, with Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inference.summaries.statistics import FitStatistics

FALSE_ALARM_RATE = 0.01  # probability that Monte Carlo error alone takes any quantity of a faithful fit over its limit


@dataclass(frozen=True)
class Agreement:
    """Distances from the reference; arrays are (quantities,), NaN where either side is a point.

    delta: difference of means in reference sds. sd_ratio: sd over that of the reference. wasserstein: the
    Wasserstein-1 distance in reference sds. The ``noise_*`` bound each of them under Monte Carlo error alone (that of
    sd_ratio on the log scale), over all quantities together.
    """

    delta: np.ndarray
    sd_ratio: np.ndarray
    wasserstein: np.ndarray
    noise_delta: np.ndarray
    noise_log_ratio: np.ndarray
    noise_wasserstein: np.ndarray

    @property
    def log_ratio(self) -> np.ndarray:
        """The absolute log of each ratio of sds."""
        with np.errstate(divide="ignore"):
            return np.abs(np.log(self.sd_ratio))


def agreement(fit: FitStatistics, reference: FitStatistics) -> Agreement:
    """Compare each quantity of a fit with that of the reference."""
    z = bonferroni_z(fit)
    with np.errstate(all="ignore"):
        delta = (fit.mean - reference.mean) / reference.sd
        ratio = fit.sd / reference.sd
        # a point has no Monte Carlo error
        own = np.nan_to_num(ratio) ** 2 / np.where(np.isnan(fit.ess_bulk), np.inf, fit.ess_bulk)
        se = np.sqrt(1 / reference.ess_bulk + own)
        se_log = 0.5 * np.sqrt(relative_variance_error(fit) + relative_variance_error(reference))
    is_same = is_constant(fit) & is_constant(reference) & (fit.flat[0] == reference.flat[0])
    return Agreement(
        delta=np.where(is_same, 0.0, delta),
        sd_ratio=np.where(is_same, 1.0, ratio),
        wasserstein=np.where(is_same, 0.0, wasserstein(fit, reference)),
        noise_delta=np.where(is_same, 0.0, z * se),
        noise_log_ratio=np.where(is_same, 0.0, z * se_log),
        # between two samples of one distribution it is about 1.2 se on average, and varies about as the mean does
        noise_wasserstein=np.where(is_same, 0.0, (1.2 + z) * se),
    )


def is_constant(fit: FitStatistics) -> np.ndarray:
    """Whether every draw of a quantity is the same, as in the upper triangle of a Cholesky factor; not of a point."""
    return (np.ptp(fit.flat, axis=0) == 0) & (fit.kind != "point")


def bonferroni_z(fit: FitStatistics) -> float:
    """The normal quantile of the two-sided false-alarm rate, divided over the quantities."""
    from scipy.stats import norm

    return norm.isf(FALSE_ALARM_RATE / (2 * max(len(fit.quantities), 1)))


def divergence(guide: FitStatistics, others: Iterable[FitStatistics]) -> float:
    """A lower bound on KL(guide || posterior) in nats: the best known bound less the ELBO of the guide.

    Every guide's importance-weighted bound is below the log evidence (Burda, Grosse and Salakhutdinov 2016); those of
    other guides are taken less three standard errors, since a few large weights may carry them above it.
    """
    return max([guide.bound, *(o.bound - 3 * o.bound_se for o in others if o.kind == "guide")]) - guide.elbo


def self_agreement(guide: FitStatistics) -> Agreement:
    """Compare a guide with its own draws under Pareto-smoothed weights, which stand for the posterior.

    They do where k-hat is good (Vehtari et al. 2024), and then they show what k-hat does not: the error of the guide
    itself, unweighted. Both sides have the same draws, so the noise is that of the difference (delta method). There is
    no Wasserstein distance.
    """
    z = bonferroni_z(guide)
    x, w = guide.flat, guide.weights[:, None]
    nan = np.full(len(guide.quantities), np.nan)
    with np.errstate(all="ignore"):
        mean = (w * x).sum(0)
        sd = np.sqrt((w * (x - mean) ** 2).sum(0))
        mean_influence = w * (x - mean) / sd - (x - guide.mean) / (len(x) * sd)
        sd_influence = w * (((x - mean) / sd) ** 2 - 1) - (((x - guide.mean) / guide.sd) ** 2 - 1) / len(x)
        delta, ratio = (guide.mean - mean) / sd, guide.sd / sd
    constant = is_constant(guide)
    return Agreement(
        delta=np.where(constant, 0.0, delta),
        sd_ratio=np.where(constant, 1.0, ratio),
        wasserstein=nan,
        noise_delta=np.where(constant, 0.0, z * np.sqrt((mean_influence**2).sum(0))),
        noise_log_ratio=np.where(constant, 0.0, z * 0.5 * np.sqrt((sd_influence**2).sum(0))),
        noise_wasserstein=nan,
    )


def relative_variance_error(fit: FitStatistics) -> np.ndarray:
    """Var(s^2) / s^4 = (kurtosis - 1) / ESS, with the kurtosis of the draws: heavy tails make spreads uncertain."""
    deviations = fit.flat - fit.mean
    kurtosis = np.mean(deviations**4, axis=0) / np.mean(deviations**2, axis=0) ** 2
    return (kurtosis - 1) / np.minimum(fit.ess_bulk, fit.ess_tail)


def wasserstein(fit: FitStatistics, reference: FitStatistics) -> np.ndarray:
    """Wasserstein-1 distance between the draws of each quantity, in reference sds."""
    if "point" in (fit.kind, reference.kind):
        return np.full(len(fit.quantities), np.nan)
    from scipy.stats import wasserstein_distance

    pairs = zip(fit.flat.T, reference.flat.T, reference.sd, strict=True)
    return np.array(
        [wasserstein_distance(a, b) / sd if sd > 0 and np.isfinite(a).all() else np.nan for a, b, sd in pairs]
    )
