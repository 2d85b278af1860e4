"""Objectives of EM fall by rounding alone, which covariances of columns that determine each other make larger."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.engines.em.gaussian_mixture import condition
from inference.engines.em.iteration import run_em

FLOOR: dict[str, Any] = {"engine": "em", "max_iter": 60, "covariance_floor": 1e-12}
MATRICES = [("hidden_markov", {"emission": "full_normal"}), ("hidden_markov", {"emission": "tied_normal"})]
MATRICES += [("gaussian_mixture", {"covariance": "tied"}), ("gaussian_mixture", {"covariance": "full"})]


def equal_columns(name, seed):
    """Two columns, of which the first is there twice, and weights of 1 and of 1e8."""
    rng = np.random.default_rng(seed)
    is_chain = name == "hidden_markov"
    x = rng.normal(size=(5, 4, 2) if is_chain else (20, 2))
    x = np.concatenate([x, x[..., :1]], -1)
    if is_chain:
        x[0, 1, 2] = np.nan
    return x, rng.choice([1.0, 1e8], len(x))


@pytest.mark.parametrize("seed", [1, 5, 13, 15, 16, 38])
@pytest.mark.parametrize(("name", "settings"), MATRICES)
def test_equal_columns_under_a_low_floor_are_fit(name, settings, seed):
    x, weights = equal_columns(name, seed)
    fit = inference.fit(zoo.load(name, "pyro", K=2, **settings), x, sample_weight=weights, **FLOOR)
    assert np.diff(fit.trace).min() > -1e-4 * abs(fit.trace[-1])


@pytest.mark.parametrize("seed", range(4))
def test_a_component_as_wide_as_the_other_rows_is_fit(seed):
    """In units of the row that outweighs all others a component has a variance of 1e8, and the floor is 1e-12."""
    x = np.random.default_rng(seed).normal(size=(12, 2))
    x = np.concatenate([x, x[:, :1]], 1)
    weights = np.r_[1e8, np.ones(11)]
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), x, sample_weight=weights, seed=seed, **FLOOR)
    assert np.isfinite(fit.trace).all()
    steps = x.reshape(12, 1, 3)[:, [0, 0]]
    model = zoo.load("hidden_markov", "pyro", K=2, emission="full_normal")
    assert np.isfinite(inference.fit(model, steps, sample_weight=weights, seed=seed, **FLOOR).trace).all()


@pytest.mark.parametrize("seed", [1, 4])
def test_values_missing_beside_columns_that_determine_them_stay_in_their_plane(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, 5, 2))
    x = np.concatenate([x, x.sum(-1, keepdims=True)], -1)
    x[rng.random(x.shape) < 0.3] = np.nan
    model = zoo.load("hidden_markov", "pyro", K=2, emission="tied_normal")
    options: dict[str, Any] = {**FLOOR, "max_iter": 300}
    trace = inference.fit(model, x, **options).trace
    assert np.diff(trace).min() > -1e-2  # nats, of 60 values: 1e12 times the rounding of one


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_equal_columns_are_fit_in_both_backends(backend):
    x, weights = equal_columns("gaussian_mixture", 5)
    model = zoo.load("gaussian_mixture", backend, K=2, covariance="full")
    assert np.isfinite(inference.fit(model, x, sample_weight=weights, **FLOOR).trace).all()


def exact_log_likelihood(x, weights, mu, Lambda):
    """That of one normal distribution: the sums of products are fractions, so that only logarithms are rounded."""
    P, D = [[Fraction(v) for v in row] for row in Lambda.tolist()], len(mu)
    total = Fraction(0)
    for row, weight in zip(x.tolist(), weights.tolist(), strict=True):
        d = [Fraction(a) - Fraction(b) for a, b in zip(row, mu.tolist(), strict=True)]
        total += Fraction(weight) * sum(d[i] * P[i][j] * d[j] for i in range(D) for j in range(D))
    determinant = sum(
        P[0][i] * (P[1][(i + 1) % 3] * P[2][(i + 2) % 3] - P[1][(i + 2) % 3] * P[2][(i + 1) % 3]) for i in range(3)
    )
    return 0.5 * (weights.sum() * (np.log(float(determinant)) - D * np.log(2 * np.pi)) - float(total))


@pytest.mark.parametrize("floor", [1e-3, 1e-6, 1e-9, 1e-12])
def test_the_bound_of_rounding_holds(floor):
    bounds, eps = [], np.finfo(float).eps
    for seed in range(5):
        x, weights = equal_columns("gaussian_mixture", seed)
        model = zoo.load("gaussian_mixture", "pyro", K=1)
        fit = inference.fit(model, x, "em", sample_weight=weights, covariance_floor=floor, max_iter=3)
        exact = exact_log_likelihood(x, weights, fit.params["mu"][0], fit.params["Lambda"][0])
        centre = np.average(x, 0, weights)
        scale = np.sqrt(np.average((x - centre) ** 2, 0, weights))
        bound = eps * (condition(fit.params["Lambda"], "full", centre, scale) * weights.sum() * 3 + 1e5 * abs(exact))
        assert abs(fit.trace[-1] - exact) < bound
        bounds.append(bound / weights.sum())
    assert max(bounds) < 10 * eps / floor + 1e-9  # nats a row


def test_data_about_a_large_offset_have_no_more_digits_than_they_show():
    rng = np.random.default_rng(0)
    x = 1e4 + 1e-7 * rng.normal(size=(5, 8, 3))
    x[..., 2] = x[..., 0] + x[..., 1] - 1e4  # but for rounding, which is a plane of its own for some steps
    message = "collapsed to a point, a line or a plane"
    with pytest.raises(zoo.ZooError, match=message):
        inference.fit(zoo.load("hidden_markov", "pyro", K=2, emission="full_normal"), x, "em", max_iter=60)
    with pytest.raises(zoo.ZooError, match=message):
        inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), x.reshape(-1, 3), "em", max_iter=60)


@pytest.mark.parametrize("emission", ["full_normal", "tied_normal", "normal"])
@pytest.mark.parametrize("options", [{"objective": "map"}, {"covariance_floor": 1e-12}])
def test_equal_columns_about_a_large_offset_are_fit(emission, options):
    """The last digit of a mean is as wide as the plane."""
    for seed in range(8):
        x, weights = equal_columns("hidden_markov", seed)
        model = zoo.load("hidden_markov", "pyro", K=2, emission=emission)
        fit = inference.fit(model, 1e4 + 1e-7 * x, "em", max_iter=60, sample_weight=weights, **options)
        assert np.isfinite(fit.trace).all()


def test_dynamics_that_cancel_lose_digits():
    """Two sequences of six steps, of one column without noise: A has entries of 70 and eigenvalues below 1."""
    x = zoo.load("linear_dynamical_system", "pyro", Z=2).simulate(1, N=12, T=6, D=3)["x"].astype("f4").astype(float)
    model, weights = zoo.load("linear_dynamical_system", "pyro", Z=2), np.zeros(12)
    weights[[2, 10]] = 1e8
    fit = inference.fit(model, x, sample_weight=weights, **FLOOR)
    assert fit.trace[-1] > fit.trace[0]


def test_a_fall_from_a_component_that_collapsed_is_told_as_such():
    values = iter([1.0, 5.0, 2.0])

    def check(state):
        if state == 1:
            raise zoo.ZooError("component 0 collapsed")

    def step(state):
        return state + 1, next(values)

    with pytest.raises(zoo.ZooError, match="component 0 collapsed"):
        run_em(step, 0, max_iter=9, tol=0.0, check=check)


def test_a_fall_within_rounding_is_convergence():
    values = iter([1.0, 5.0, 4.9])
    run = run_em(lambda state: (state + 1, next(values)), 0, max_iter=9, tol=1e-3, rounding=lambda *_: 0.2)
    assert run.converged
    assert run.state == 2


def test_terms_that_cancel_have_the_rounding_of_their_last_digits():
    """A slope of 1e8 and an intercept of 1e15 lead from a step of one to the next."""
    x = np.array([0.0, 1.0, 0.0, 0.0, 1e8])[:, None]
    fit = inference.fit(zoo.load("autoregressive_hmm", "pyro", K=2, P=1), x, "em", max_iter=20)
    assert np.isfinite(fit.trace).all()
