"""Arguments of the user programs: positional ones and keywords, as arrays of NumPy and whole numbers.

All data are simulated with one seed each, except the eight schools, which are public.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def covariates(num_data: int, num_covariates: int, seed: int) -> tuple[np.random.Generator, np.ndarray]:
    """A generator, and standard normal covariates (num_data, num_covariates)."""
    rng = np.random.default_rng(seed)
    return rng, rng.standard_normal((num_data, num_covariates))


def linear_regression() -> Arguments:
    rng, X = covariates(30, 3, 1)
    return (X, 1.0 + X @ np.array([0.8, -0.3, 0.0]) + 0.7 * rng.standard_normal(30)), {}


def plated_regression() -> Arguments:
    rng, x = covariates(25, 3, 2)
    return (x,), {"y": x @ np.array([0.8, -0.3, -0.3]) + 0.5 * rng.standard_normal(25)}


def flat_regression() -> Arguments:
    rng, x = covariates(20, 1, 3)
    X = np.column_stack([np.ones(20), x])
    return (X, X @ np.array([2.0, 0.5]) + 0.4 * rng.standard_normal(20)), {}


def logistic_regression() -> Arguments:
    rng, features = covariates(40, 2, 4)
    logits = 0.3 + features @ np.array([1.2, -0.6])
    return (features,), {"switched": (rng.random(40) < 1 / (1 + np.exp(-logits))).astype(float)}


def zero_inflated_poisson() -> Arguments:
    rng, x = covariates(40, 1, 5)
    nitrogen, exposure = x[:, 0], rng.uniform(0.5, 2.0, 40)
    counts = rng.poisson(exposure * np.exp(0.8 + 0.4 * nitrogen)) * (rng.random(40) > 0.3)
    return (nitrogen, exposure), {"counts": counts.astype(float)}


def poisson_gamma() -> Arguments:
    rng = np.random.default_rng(6)
    hours = np.array([94.0, 16.0, 63.0, 126.0, 5.0, 31.0, 1.0, 2.0])
    return (rng.poisson(hours * rng.gamma(1.8, 0.3, 8)).astype(float), hours), {}


def eight_schools() -> Arguments:
    """Effects of coaching and their standard errors, in points of the test (Rubin 1981)."""
    sigma = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
    return (8, sigma), {"y": np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])}


def radon() -> Arguments:
    rng = np.random.default_rng(7)
    county = np.repeat(np.arange(6), [3, 8, 4, 10, 6, 9])
    floor = (rng.random(40) < 0.4).astype(float)
    a, b = rng.normal(1.3, 0.4, 6), rng.normal(-0.7, 0.3, 6)
    return (county, floor), {"log_radon": a[county] + b[county] * floor + 0.5 * rng.standard_normal(40)}


def rats() -> Arguments:
    rng = np.random.default_rng(8)
    age = np.array([8.0, 15.0, 22.0, 29.0, 36.0])
    alpha, beta = rng.normal(242, 14, (6, 1)), rng.normal(6.2, 0.5, (6, 1))
    return (age, alpha + beta * (age - 22.0) + 6.0 * rng.standard_normal((6, 5))), {}


def rat_tumours() -> Arguments:
    rng = np.random.default_rng(9)
    totals = np.array([20.0, 20.0, 19.0, 18.0, 25.0, 24.0, 23.0, 14.0, 46.0, 27.0])
    return (rng.binomial(totals.astype(int), rng.beta(1.5, 8.0, 10)).astype(float), totals), {}


def school_effects() -> Arguments:
    rng = np.random.default_rng(10)
    school = np.arange(25) % 5
    return (school, rng.normal(3.0, 1.5, 5)[school] + rng.standard_normal(25)), {}


def answers() -> np.ndarray:
    """Right and wrong answers, (8 students, 5 questions)."""
    rng = np.random.default_rng(11)
    logits = rng.standard_normal((8, 1)) - rng.standard_normal(5)
    return (rng.random((8, 5)) < 1 / (1 + np.exp(-logits))).astype(float)


def item_response() -> Arguments:
    return (answers(),), {}


def item_response_long() -> Arguments:
    student, question = np.divmod(np.random.default_rng(12).permutation(40)[:36], 5)
    return (student, question), {"correct": answers()[student, question]}


def dawid_skene(num_items: int = 15) -> Arguments:
    rng = np.random.default_rng(13)
    c = rng.integers(3, size=(num_items, 1))
    return (np.where(rng.random((num_items, 4)) < 0.7, c, rng.integers(3, size=(num_items, 4))),), {}


def matrix_factorisation() -> Arguments:
    rng = np.random.default_rng(14)
    ratings = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 6)) + 0.3 * rng.standard_normal((8, 6))
    ratings[rng.random((8, 6)) < 0.2] = np.nan
    return (ratings,), {"rank": 2}


def coal_mining(num_years: int = 40) -> Arguments:
    rng = np.random.default_rng(21)
    rate = np.where(np.arange(num_years) < num_years * 2 // 5, 3.0, 1.0)
    return (rng.poisson(rate).astype(float),), {}


def occupancy(num_sites: int = 30) -> Arguments:
    rng, x = covariates(num_sites, 1, 15)
    elevation, visits = x[:, 0], rng.integers(3, 6, num_sites)
    is_occupied = rng.random(num_sites) < 1 / (1 + np.exp(-(0.5 + elevation)))
    detections = rng.binomial(visits, 0.4 * is_occupied)
    return (elevation, visits), {"detections": detections.astype(float)}


def capture_recapture(num_animals: int = 24) -> Arguments:
    rng = np.random.default_rng(16)
    captures = rng.binomial(5, 0.3 * (rng.random(num_animals) < 0.6))
    return (captures.astype(float), 5), {}


def capture_histories(num_animals: int = 12, num_occasions: int = 5) -> Arguments:
    rng = np.random.default_rng(17)
    first = rng.integers(num_occasions - 1, size=num_animals)
    occasions = np.arange(num_occasions)
    is_alive = np.cumprod(np.where(occasions > first[:, None], rng.random((num_animals, num_occasions)) < 0.8, 1), 1)
    history = np.where(occasions > first[:, None], is_alive * (rng.random(is_alive.shape) < 0.6), 0)
    history[np.arange(num_animals), first] = 1
    return (history.astype(float), first), {}


def dirichlet_process(num_points: int = 30) -> Arguments:
    rng = np.random.default_rng(18)
    return (np.array([-3.0, 0.0, 4.0])[rng.integers(3, size=num_points)] + 0.6 * rng.standard_normal(num_points),), {}


def mixture_of_regressions(num_points: int = 30) -> Arguments:
    rng = np.random.default_rng(19)
    x, line = rng.uniform(-2, 2, num_points), rng.integers(2, size=num_points)
    y = np.array([1.0, -1.0])[line] + np.array([2.0, -1.0])[line] * x + 0.4 * rng.standard_normal(num_points)
    return (x,), {"y": y}


def ordered_mixture(num_points: int = 30) -> Arguments:
    rng = np.random.default_rng(20)
    return (np.array([-2.0, 1.0, 3.0])[rng.integers(3, size=num_points)] + 0.5 * rng.standard_normal(num_points),), {}


def hidden_markov(num_steps: int = 15) -> Arguments:
    rng = np.random.default_rng(22)
    state = np.cumsum(rng.random(num_steps) < 0.3) % 2
    return (np.array([-2.0, 2.0])[state] + rng.standard_normal(num_steps),), {"num_states": 2}


def local_level() -> Arguments:
    rng = np.random.default_rng(23)
    return (1.0 + np.cumsum(0.5 * rng.standard_normal(20)) + 0.6 * rng.standard_normal(20),), {}


def stochastic_volatility() -> Arguments:
    rng = np.random.default_rng(24)
    return (np.exp(np.cumsum(0.2 * rng.standard_normal(20))) * rng.standard_normal(20),), {}


def autoregression() -> Arguments:
    rng = np.random.default_rng(25)
    series = np.zeros(31)
    for t in range(1, 31):
        series[t] = 0.5 + 0.6 * series[t - 1] + 0.5 * rng.standard_normal()
    return (series,), {}


def gaussian_process() -> Arguments:
    rng = np.random.default_rng(26)
    X = np.linspace(-1.0, 1.0, 15)
    return (X,), {"Y": X + np.sin(3.0 * X) + 0.2 * rng.standard_normal(15)}


def bayesian_network() -> Arguments:
    rng, X = covariates(30, 2, 27)
    return (X,), {"y": np.tanh(X[:, 0]) - 0.5 * X[:, 1] + 0.3 * rng.standard_normal(30)}


def autoencoder() -> Arguments:
    rng = np.random.default_rng(28)
    logits = rng.standard_normal((20, 2)) @ (2.0 * rng.standard_normal((2, 6)))
    return ((rng.random((20, 6)) < 1 / (1 + np.exp(-logits))).astype(float),), {}


def subsampled_regression() -> Arguments:
    rng, x = covariates(30, 1, 29)
    return (x[:, 0], 1.5 * x[:, 0] + rng.standard_normal(30)), {}


def weighted_mean() -> Arguments:
    rng = np.random.default_rng(30)
    return (2.0 + rng.standard_normal(20), rng.integers(1, 4, 20).astype(float)), {}


def masked_regression() -> Arguments:
    rng, x = covariates(30, 1, 31)
    return (x[:, 0], 1.5 * x[:, 0] + rng.standard_normal(30), rng.random(30) < 0.8), {}


def empirical_bayes() -> Arguments:
    rng = np.random.default_rng(32)
    return (1.5 + 0.8 * rng.standard_normal((6, 1)) + rng.standard_normal((6, 4)),), {}
