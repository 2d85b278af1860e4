"""Reference values of the programs with crossed plates: the joint log density at one point."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, log_density


def log_bernoulli(y: np.ndarray, logits: np.ndarray) -> float:
    """Log probability of zeros and ones in nats."""
    return -float(np.logaddexp(0, (1 - 2 * y) * logits).sum())


def item_response() -> LogDensity:
    """Students in rows, questions in columns."""
    (responses,), _ = arguments = data.item_response()
    rng = np.random.default_rng(4)
    ability, difficulty = rng.standard_normal((8, 1)), rng.standard_normal(5)
    discrimination = rng.lognormal(0, 0.4, 5)
    value = stats.norm.logpdf(ability).sum() + stats.norm.logpdf(difficulty, 0, 2).sum()
    value += stats.lognorm.logpdf(discrimination, 0.5).sum()
    value += log_bernoulli(responses, discrimination * (ability - difficulty))
    latents = {"ability": ability, "difficulty": difficulty, "discrimination": discrimination}
    return log_density(arguments, latents, value)


def item_response_long() -> LogDensity:
    """One row for each answer."""
    (student, question), observed = arguments = data.item_response_long()
    rng = np.random.default_rng(5)
    theta, b = rng.standard_normal(8), rng.standard_normal(5)
    value = stats.norm.logpdf(theta).sum() + stats.norm.logpdf(0.3) + stats.norm.logpdf(b, 0.3, 1).sum()
    value += log_bernoulli(observed["correct"], theta[student] - b[question])
    return log_density(arguments, {"theta": theta, "mean": 0.3, "b": b}, value)


def matrix_factorisation() -> LogDensity:
    """Ratings that are missing add nothing."""
    (ratings,), _ = arguments = data.matrix_factorisation()
    rng = np.random.default_rng(6)
    u, v = rng.standard_normal((8, 1, 2)), rng.standard_normal((6, 2))
    value = stats.norm.logpdf(u).sum() + stats.norm.logpdf(v).sum() + stats.halfnorm.logpdf(0.6)
    value += np.nansum(stats.norm.logpdf(ratings, u[:, 0] @ v.T, 0.6))
    return log_density(arguments, {"u": u, "v": v, "sd": 0.6}, value)
