"""The shape of ranks: exact tests of their location and spread, and the errors of the draws that they show.

The normal score of a rank among L draws is z = Phi^-1((rank + 1/2) / (L + 1)) (Cook, Gelman and Rubin 2006, "Validation
of software for Bayesian models using posterior quantiles"). Draws that are too low or too high shift the sum of the
scores, and draws that are too narrow or too wide change the sum of their squares, which is why tests of these two sums
find such errors in fewer simulations than a test against any shape. Both sums have exact distributions under uniform
ranks: scores are rounded to a grid, and the distribution of one is convolved with itself.

The errors are estimated in a model of the ranks: a posterior N(0, 1), and draws from N(shift, spread^2). The true value
is below the k-th of L + 1 equal parts of the draws with probability Phi(shift + spread * Phi^-1(k / (L + 1))).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from inference.evaluation.calibration.bands import p_value

TESTS = 3  # of one quantity: any shape, location, spread
GRID_POINTS = 1 << 20  # of the distribution of a sum of scores, at most
STEP = 1 / 128  # between the points of the grid of one score, at least
PRIOR_SHIFT, PRIOR_LOG_SPREAD = 3.0, 1.5  # sds of weak normal priors, so that ranks all at one end have an estimate
MAX_STEPS, TOLERANCE, STEP_SIZE = 100, 1e-8, 1e-5  # of Fisher scoring, and of its derivatives
NAMED_Z, LIKELY_Z = 2.576, 1.645  # sizes of an error that is certain to 99%, and to 90%
INTERVAL_Z = 1.96  # of the intervals: 95%


class DrawErrors(NamedTuple):
    """Errors of draws whose ranks are known: estimates, and intervals of 95%.

    shift: the mean of the draws less that of the posterior, in its standard deviations. spread: the standard deviation
    of the draws over that of the posterior. shift_z, spread_z: how far the shift is from 0 and the spread from 1, as
    the size of a standard normal number that is as rare.
    """

    shift: float
    shift_interval: tuple[float, float]
    spread: float
    spread_interval: tuple[float, float]
    shift_z: float
    spread_z: float


def normal_scores(draws: int) -> np.ndarray:
    """The normal score of each rank 0 .. draws.

    >>> normal_scores(1).round(3)
    array([-0.674,  0.674])
    """
    from scipy.stats import norm

    return norm.ppf((np.arange(draws + 1) + 0.5) / (draws + 1))


def uniformity_p(ranks: np.ndarray, draws: int) -> float:
    """The probability of ranks as far from uniform: the least p of three tests, times three (Bonferroni)."""
    location, spread = (sum_p(ranks, draws, power) for power in (1, 2))
    return min(1.0, TESTS * min(p_value(ranks, draws), location, spread))


def sum_p(ranks: np.ndarray, draws: int, power: int) -> float:
    """The exact two-sided p-value of the sum of normal scores (power 1: location) or of their squares (2: spread)."""
    scores, tails = sum_distribution(len(ranks), draws, power)
    return float(min(1.0, tails[scores[ranks].sum()]))


@lru_cache(maxsize=64)
def sum_distribution(n: int, draws: int, power: int) -> tuple[np.ndarray, np.ndarray]:
    """The score of each rank as a whole number from 0 up, and twice the smaller tail at each sum of n of them."""
    scores, probabilities = score_sums(n, draws, power)
    below = np.cumsum(probabilities)
    return scores, 2 * np.minimum(below, 1 - below + probabilities)


def score_sums(n: int, draws: int, power: int) -> tuple[np.ndarray, np.ndarray]:
    """The score of each rank as a whole number from 0 up, and the probability of each sum of n of them."""
    exact = normal_scores(draws) ** power
    step = max(STEP, np.ptp(exact) * n / GRID_POINTS)
    scores = np.round((exact - exact.min()) / step).astype(int)
    size = int(scores.max()) * n + 1
    length = 1 << (size - 1).bit_length()
    one = np.bincount(scores, minlength=length) / len(scores)
    return scores, np.clip(np.fft.irfft(np.fft.rfft(one) ** n, length)[:size], 0, None)


def rank_probabilities(shift: float, log_spread: float, draws: int) -> np.ndarray:
    """The probability of each rank 0 .. draws under errors of the draws.

    >>> rank_probabilities(0.0, 0.0, 3)
    array([0.25, 0.25, 0.25, 0.25])
    """
    from scipy.special import ndtr, ndtri

    edges = ndtri(np.arange(draws + 2) / (draws + 1))
    upper = shift + np.exp(log_spread) * edges
    # the difference of two tails on the side where they are small
    middle = upper[:-1] + upper[1:] > 0
    return np.where(middle, ndtr(-upper[:-1]) - ndtr(-upper[1:]), ndtr(upper[1:]) - ndtr(upper[:-1]))


def draw_errors(ranks: np.ndarray, draws: int) -> DrawErrors:
    """The errors of draws among which the truth has these ranks, (n,), by Fisher scoring.

    >>> errors = draw_errors(np.arange(1000) % 100, 99)
    >>> abs(errors.shift) < 1e-3, round(errors.spread, 2)
    (True, 1.0)
    """
    counts = np.bincount(ranks, minlength=draws + 1)
    point, information, best = fit_errors(counts, np.ones(2, bool))
    error = np.sqrt(np.diag(np.linalg.inv(information)))
    low, high = point - INTERVAL_Z * error, point + INTERVAL_Z * error
    # likelihood ratios, as that of few ranks is not quadratic
    without = [fit_errors(counts, free)[2] for free in (np.array([False, True]), np.array([True, False]))]
    shift_z, spread_z = (float(np.sqrt(2 * max(best - value, 0.0))) for value in without)
    spread, spread_interval = float(np.exp(point[1])), (float(np.exp(low[1])), float(np.exp(high[1])))
    return DrawErrors(float(point[0]), (float(low[0]), float(high[0])), spread, spread_interval, shift_z, spread_z)


def fit_errors(counts: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Shift and log spread of the highest density, (2,), the information there, and the log density.

    counts: of each rank. free: which of the two are estimated; the others are 0.
    """
    draws, prior = len(counts) - 1, np.array([PRIOR_SHIFT, PRIOR_LOG_SPREAD]) ** -2.0

    def density(point: np.ndarray) -> float:
        p = np.maximum(rank_probabilities(point[0], point[1], draws), 1e-300)
        return float(counts @ np.log(p) - (prior * point**2).sum() / 2)

    def slope(point: np.ndarray, h: np.ndarray) -> np.ndarray:
        after, before = (rank_probabilities(p[0], p[1], draws) for p in (point + h, point - h))
        return (after - before) / (2 * STEP_SIZE)

    point, information = np.zeros(2), np.diag(prior)
    value = density(point)
    for _ in range(MAX_STEPS):
        p = np.maximum(rank_probabilities(point[0], point[1], draws), 1e-300)
        slopes = np.array([slope(point, h) for h in STEP_SIZE * np.eye(2)])
        information = counts.sum() * (slopes / p) @ slopes.T + np.diag(prior)
        score, step, fraction = slopes @ (counts / p) - prior * point, np.zeros(2), 1.0
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        while (new := density(point + fraction * step)) < value and fraction > 1e-6:
            fraction /= 2
        if new <= value + TOLERANCE:
            break
        point, value = point + fraction * step, new
    return point, information, value


def describe_errors(errors: DrawErrors) -> str:
    """What is wrong with draws that have these errors: those that are certain to 99%, or the one that is likely.

    >>> describe_errors(draw_errors(np.array([0, 10] * 50), 10))
    'the draws are too narrow'
    >>> describe_errors(draw_errors(np.array([8, 9, 10] * 30), 10))
    'the draws are too low and too wide'
    """
    shift = "too low" if errors.shift < 0 else "too high"
    spread = "too narrow" if errors.spread < 1 else "too wide"
    found = [word for z, word in ((errors.shift_z, shift), (errors.spread_z, spread)) if z > NAMED_Z]
    if found:
        return f"the draws are {' and '.join(found)}"
    z, word = max((errors.shift_z, shift), (errors.spread_z, spread))
    return f"the draws are probably {word}" if z > LIKELY_Z else "the draws have another shape"


def detectable_errors(n: int, draws: int, error_rate: float) -> tuple[float, float]:
    """The smallest shift in sds, and the smallest factor of the spread, that one quantity shows in half of all cases.

    Those at which the expected sum of scores reaches its critical value; infinite if none does.
    """
    shifts, factors = np.linspace(0, 5, 501), np.geomspace(1, 20, 601)

    def smallest(sizes: np.ndarray, points: list[tuple[float, float]], power: int) -> float:
        scores, tails = sum_distribution(n, draws, power)
        critical = len(tails) - int((tails[::-1] > error_rate / TESTS).argmax())
        expected = np.array([n * rank_probabilities(point[0], point[1], draws) @ scores for point in points])
        return float(sizes[(expected >= critical).argmax()]) if (expected >= critical).any() else float("inf")

    return (
        smallest(shifts, [(-shift, 0.0) for shift in shifts], 1),
        smallest(factors, [(0.0, -np.log(factor)) for factor in factors], 2),
    )
