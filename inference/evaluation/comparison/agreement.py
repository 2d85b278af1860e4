"""How a fit stands to the reference, or a guide to its own draws reweighted; and what chance would make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inference.summaries.statistics import FitStatistics

CHANCE = 0.01  # that Monte Carlo error alone takes any one quantity of a faithful fit over its limit


@dataclass(frozen=True)
class Agreement:
    """Distances from the reference; arrays are (quantities,), NaN where either side is a point.

    delta: difference of means in reference sds. sd_ratio: sd over that of the reference. wasserstein: the
    Wasserstein-1 distance in reference sds. The ``noise_*`` say how large each may be by Monte Carlo error alone
    (that of sd_ratio on the log scale), over all quantities together.
    """

    delta: np.ndarray
    sd_ratio: np.ndarray
    wasserstein: np.ndarray
    noise_delta: np.ndarray
    noise_log_ratio: np.ndarray
    noise_wasserstein: np.ndarray

    @property
    def log_ratio(self) -> np.ndarray:
        """How far each ratio of sds is from 1, in either direction, on the log scale."""
        with np.errstate(divide="ignore"):
            return np.abs(np.log(self.sd_ratio))


def agreement(one: FitStatistics, reference: FitStatistics) -> Agreement:
    """Hold the numbers of one fit against those of the reference, quantity by quantity."""
    from scipy.stats import norm

    z = norm.isf(CHANCE / (2 * max(len(one.quantities), 1)))  # Bonferroni over the quantities
    with np.errstate(all="ignore"):
        delta = (one.mean - reference.mean) / reference.sd
        ratio = one.sd / reference.sd
        # a point has no Monte Carlo error of its own
        own = np.nan_to_num(ratio) ** 2 / np.where(np.isnan(one.ess_bulk), np.inf, one.ess_bulk)
        se = np.sqrt(1 / reference.ess_bulk + own)
        se_log = 0.5 * np.sqrt(relative_variance_error(one) + relative_variance_error(reference))
    return Agreement(
        delta=delta,
        sd_ratio=ratio,
        wasserstein=wasserstein(one, reference),
        noise_delta=z * se,
        noise_log_ratio=z * se_log,
        # between two samples of one law it is about 1.2 se on average, and moves about as the mean does
        noise_wasserstein=(1.2 + z) * se,
    )


def divergence(guide: FitStatistics, others: Iterable[FitStatistics]) -> float:
    """A lower bound on KL(guide || posterior) in nats: how far its ELBO lies below the best bound known.

    Every guide's importance-weighted bound lies below the log evidence (Burda, Grosse and Salakhutdinov 2016); those
    of other guides count less three standard errors, since few large weights may carry them above it.
    """
    return max([guide.bound, *(e.bound - 3 * e.bound_se for e in others if e.kind == "guide")]) - guide.elbo


def self_agreement(guide: FitStatistics) -> Agreement:
    """Hold a guide against its own draws under their Pareto-smoothed weights, which stand for the posterior.

    They do where k-hat is good (Vehtari et al. 2024), and then they show what k-hat does not: how far the guide
    itself, unweighted, is off. Both sides are of the same draws, so the noise is that of the difference (delta method);
    without a Wasserstein distance.
    """
    from scipy.stats import norm

    z = norm.isf(CHANCE / (2 * max(len(guide.quantities), 1)))
    x, w = guide.flat, guide.weights[:, None]
    nothing = np.full(len(guide.quantities), np.nan)
    with np.errstate(all="ignore"):
        mean = (w * x).sum(0)
        sd = np.sqrt((w * (x - mean) ** 2).sum(0))
        pull = w * (x - mean) / sd - (x - guide.mean) / (len(x) * sd)
        stretch = w * (((x - mean) / sd) ** 2 - 1) - (((x - guide.mean) / guide.sd) ** 2 - 1) / len(x)
        delta, ratio = (guide.mean - mean) / sd, guide.sd / sd
    return Agreement(
        delta=delta,
        sd_ratio=ratio,
        wasserstein=nothing,
        noise_delta=z * np.sqrt((pull**2).sum(0)),
        noise_log_ratio=z * 0.5 * np.sqrt((stretch**2).sum(0)),
        noise_wasserstein=nothing,
    )


def relative_variance_error(e: FitStatistics) -> np.ndarray:
    """Var(s^2) / s^4 = (kurtosis - 1) / ESS, with the kurtosis of the draws: heavy tails make spreads uncertain."""
    deviations = e.flat - e.mean
    kurtosis = np.mean(deviations**4, axis=0) / np.mean(deviations**2, axis=0) ** 2
    return (kurtosis - 1) / np.minimum(e.ess_bulk, e.ess_tail)


def wasserstein(one: FitStatistics, reference: FitStatistics) -> np.ndarray:
    """Wasserstein-1 distance between the draws of each quantity, in reference sds."""
    if "point" in (one.kind, reference.kind):
        return np.full(len(one.quantities), np.nan)
    from scipy.stats import wasserstein_distance

    pairs = zip(one.flat.T, reference.flat.T, reference.sd, strict=True)
    return np.array(
        [wasserstein_distance(a, b) / sd if sd > 0 and np.isfinite(a).all() else np.nan for a, b, sd in pairs]
    )
