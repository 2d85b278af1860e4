"""Agreement of a fit with the reference, or of a guide with its own reweighted draws, with Monte Carlo errors.

Distances are those of means, of spreads and of intervals: ``coverage`` is the probability, by the reference, of the
central 90% interval of the fit. Two errors that are small one by one, such as a narrow spread and a shift, add up in
it. ``joint`` has the same for a few quantities of several coordinates: margins can be right where a correlation is
wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inference.evaluation.comparison.joint_quantities import Sample, joint_samples, reweighted_samples
from inference.summaries.statistics import FitStatistics

FALSE_ALARM_RATE = 0.01  # probability that Monte Carlo error alone takes any quantity of a faithful fit over its limit
INTERVAL = (0.05, 0.95)  # the quantiles of an interval of 90%
HEAVY_TAILS = 2.0  # sd over interquartile range / 1.349; of a normal 1, of Student's t with 3 degrees of freedom 1.5


@dataclass(frozen=True)
class Agreement:
    """Distances from the reference; arrays are (quantities,), NaN where either side is a point.

    delta: difference of means in reference sds. sd_ratio: sd over that of the reference. wasserstein: the Wasserstein-1
    distance in reference sds. coverage: the probability by the reference of the 90% interval of the fit. The ``se_*``
    are their Monte Carlo standard errors (that of sd_ratio on the log scale); z: the number of them that Monte Carlo
    error alone hardly exceeds, over all quantities together. is_heavy: whether the tails are so heavy that moments say
    nothing; median_delta: the difference of medians in interquartile ranges / 1.349, which then stands for that of the
    means. joint: the same for ``joint_quantities``, None where there are none.
    """

    quantities: Sequence[str]
    delta: np.ndarray
    sd_ratio: np.ndarray
    wasserstein: np.ndarray
    coverage: np.ndarray
    se_delta: np.ndarray
    se_log_ratio: np.ndarray
    se_wasserstein: np.ndarray
    se_coverage: np.ndarray
    is_heavy: np.ndarray
    median_delta: np.ndarray
    se_median: np.ndarray
    joint: Agreement | None = None

    @property
    def shift(self) -> np.ndarray:
        """The difference of locations: of the means, or of the medians where tails are heavy."""
        return np.where(self.is_heavy, self.median_delta, self.delta)

    @property
    def se_shift(self) -> np.ndarray:
        """Its standard error."""
        return np.where(self.is_heavy, self.se_median, self.se_delta)

    @property
    def log_ratio(self) -> np.ndarray:
        """The absolute log of each ratio of sds."""
        with np.errstate(divide="ignore"):
            return np.abs(np.log(self.sd_ratio))

    @property
    def z(self) -> float:
        """The normal quantile of the two-sided false-alarm rate, divided over the quantities."""
        from scipy.stats import norm

        return norm.isf(FALSE_ALARM_RATE / (2 * max(len(self.quantities), 1)))


def agreement(fit: FitStatistics, reference: FitStatistics, has_common_density: bool = False) -> Agreement:
    """Compare each quantity of a fit with that of the reference, and some joint ones.

    has_common_density: whether the log joint of both is one function of the draws, so that its values are compared.
    """
    if "point" in (fit.kind, reference.kind):
        nan = np.full(len(fit.quantities), np.nan)
        with np.errstate(all="ignore"):
            delta = (fit.mean - reference.mean) / reference.sd
            se = np.sqrt(1 / np.where(np.isnan(reference.ess_bulk), np.inf, reference.ess_bulk))
        same = fit.kind == reference.kind and np.array_equal(fit.flat[0], reference.flat[0])
        delta, no = delta * 0 if same else delta, np.zeros(len(nan), bool)
        return Agreement(fit.quantities, delta, fit.sd / reference.sd, nan, nan, se, nan, nan, nan, no, nan, nan)
    ours = Sample(fit.quantities, fit.values, fit.ess_bulk, fit.ess_tail)
    theirs = Sample(reference.quantities, reference.values, reference.ess_bulk, reference.ess_tail)
    pair = None if fit is reference else joint_samples(fit, reference, has_common_density)
    return distances(ours, theirs, distances(*pair) if pair else None)


def distances(fit: Sample, reference: Sample, joint: Agreement | None = None) -> Agreement:
    """The distances between two samples of the same quantities."""
    x, y = fit.flat, reference.flat
    with np.errstate(all="ignore"):
        sd, ratio = y.std(0, ddof=1), x.std(0, ddof=1) / y.std(0, ddof=1)
        delta = (x.mean(0) - y.mean(0)) / sd
        se = np.sqrt(1 / reference.ess_bulk + ratio**2 / fit.ess_bulk)
        se_log = 0.5 * np.sqrt(relative_variance_error(fit) + relative_variance_error(reference))
        median_delta, median_se, is_heavy = median_distance(fit, reference)
        low, high = np.quantile(x, INTERVAL, axis=0)
        coverage = ((y >= low) & (y <= high)).mean(0)
        se_coverage = np.sqrt(
            coverage * (1 - coverage) / np.minimum(reference.ess_bulk, reference.ess_tail)
            + 2 * INTERVAL[0] * (1 - INTERVAL[0]) / np.minimum(fit.ess_bulk, fit.ess_tail)
        )
    is_same = is_constant(x) & is_constant(y) & (x[0] == y[0])
    return Agreement(
        quantities=fit.quantities,
        delta=np.where(is_same, 0.0, delta),
        sd_ratio=np.where(is_same, 1.0, ratio),
        wasserstein=np.where(is_same, 0.0, wasserstein(x, y, sd)),
        coverage=np.where(is_same, 1.0, np.where(np.isfinite(x).all(0) & np.isfinite(y).all(0), coverage, np.nan)),
        se_delta=np.where(is_same, 0.0, se),
        se_log_ratio=np.where(is_same, 0.0, se_log),
        # between two samples of one distribution it is about 1.2 se on average, and varies about as the mean does
        se_wasserstein=np.where(is_same, 0.0, se),
        se_coverage=np.where(is_same, 0.0, se_coverage),
        is_heavy=is_heavy & ~is_same,
        median_delta=median_delta,
        se_median=median_se,
        joint=joint,
    )


def median_distance(fit: Sample, reference: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences of medians in robust sds, their standard errors, and which quantities have heavy tails."""
    (first, median, third), ours = np.quantile(reference.flat, (0.25, 0.5, 0.75), axis=0), np.median(fit.flat, 0)
    robust_sd = (third - first) / 1.349
    # of a normal the variance of a median is pi / 2 times that of the mean
    se = np.sqrt(np.pi / 2 * (1 / reference.ess_bulk + 1 / fit.ess_bulk))
    is_heavy = (robust_sd > 0) & (reference.flat.std(0) > HEAVY_TAILS * robust_sd)
    return (ours - median) / robust_sd, se, is_heavy


def is_constant(x: np.ndarray) -> np.ndarray:
    """Whether every draw (draws, quantities) is the same, as in the upper triangle of a Cholesky factor."""
    return np.ptp(x, axis=0) == 0


def divergence(guide: FitStatistics, others: Iterable[FitStatistics]) -> float:
    """A lower bound on KL(guide || posterior) in nats: the best known bound less the ELBO of the guide.

    Every guide's importance-weighted bound is below the log evidence (Burda, Grosse and Salakhutdinov 2016); those of
    other guides are taken less three standard errors, since a few large weights may carry them above it.
    """
    return max([guide.bound, *(o.bound - 3 * o.bound_se for o in others if o.kind == "guide")]) - guide.elbo


def missing_mass(reweighted: FitStatistics, others: Iterable[FitStatistics]) -> float:
    """The part of the mass that the weights of a guide lack, by the weights of another guide whose k-hat is good.

    Both bounds estimate the log evidence; each is taken by three standard errors in favour of the reweighted one.
    """
    sound = [o.bound - 3 * o.bound_se for o in others if o.kind == "guide" and o.k_hat < o.k_limit]
    gap = max(sound, default=-np.inf) - (reweighted.bound + 3 * reweighted.bound_se)
    return float(-np.expm1(-gap)) if gap > 0 else 0.0


def self_agreement(guide: FitStatistics) -> Agreement:
    """Compare a guide with its own draws under Pareto-smoothed weights, which stand for the posterior.

    They do where k-hat is good (Vehtari et al. 2024), and then they show what k-hat does not: the error of the guide
    itself, unweighted. There is no Wasserstein distance.
    """
    joint = reweighted_samples(guide)
    return weighted_distances(
        guide.quantities, guide.flat, guide.weights, weighted_distances(*joint) if joint else None
    )


def weighted_distances(
    quantities: Sequence[str], x: np.ndarray, weights: np.ndarray, joint: Agreement | None = None
) -> Agreement:
    """The distances of draws (draws, quantities) from themselves under weights with sum 1.

    Both sides have the same draws, so the errors are those of the difference (delta method).
    """
    w, n = weights[:, None], len(x)
    with np.errstate(all="ignore"):
        own_mean, own_sd, mean = x.mean(0), x.std(0, ddof=1), (w * x).sum(0)
        sd = np.sqrt((w * (x - mean) ** 2).sum(0))
        mean_influence = w * (x - mean) / sd - (x - own_mean) / (n * sd)
        sd_influence = w * (((x - mean) / sd) ** 2 - 1) - (((x - own_mean) / own_sd) ** 2 - 1) / n
        low, high = np.quantile(x, INTERVAL, axis=0)
        is_inside = (x >= low) & (x <= high)
        coverage = (w * is_inside).sum(0)
        coverage_influence = w * (is_inside - coverage) - (is_inside - (INTERVAL[1] - INTERVAL[0])) / n
        delta, ratio = (own_mean - mean) / sd, own_sd / sd
    constant, nan = is_constant(x), np.full(len(own_mean), np.nan)
    return Agreement(
        quantities=quantities,
        delta=np.where(constant, 0.0, delta),
        sd_ratio=np.where(constant, 1.0, ratio),
        wasserstein=nan,
        coverage=np.where(constant, 1.0, coverage),
        se_delta=np.where(constant, 0.0, np.sqrt((mean_influence**2).sum(0))),
        se_log_ratio=np.where(constant, 0.0, 0.5 * np.sqrt((sd_influence**2).sum(0))),
        se_wasserstein=nan,
        se_coverage=np.where(constant, 0.0, np.sqrt((coverage_influence**2).sum(0))),
        is_heavy=np.zeros(len(nan), bool),
        median_delta=nan,
        se_median=nan,
        joint=joint,
    )


def relative_variance_error(sample: Sample) -> np.ndarray:
    """Var(s^2) / s^4 = (kurtosis - 1) / ESS, with the kurtosis of the draws: heavy tails make spreads uncertain."""
    with np.errstate(all="ignore"):
        deviations = sample.flat - sample.flat.mean(0)
        kurtosis = np.mean(deviations**4, axis=0) / np.mean(deviations**2, axis=0) ** 2
    return (kurtosis - 1) / np.minimum(sample.ess_bulk, sample.ess_tail)


def wasserstein(x: np.ndarray, y: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Wasserstein-1 distance between the draws of each quantity, in reference sds."""
    from scipy.stats import wasserstein_distance

    return np.array(
        [
            wasserstein_distance(a, b) / s if s > 0 and np.isfinite(a).all() and np.isfinite(b).all() else np.nan
            for a, b, s in zip(x.T, y.T, sd, strict=True)
        ]
    )
