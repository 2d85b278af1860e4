"""Simulation-based calibration of users' own programs, at the covariates they were read with."""

from __future__ import annotations

import numpy as np
import pytest

import inference
import zoo
from inference.structure import describe_density
from tests.table import SLOW_IN_NUMPYRO
from tests.user_programs import BY_NAME
from zoo import ZooError

BACKENDS = ("numpyro", "pyro")


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    return request.param


def read(name, backend):
    args, kwargs = BY_NAME[name].arguments()
    return zoo.read(zoo.Model(BY_NAME[name].load(backend), backend=backend), *args, **kwargs)


def posterior_draws(data, seed, sd=1.0):
    """Exact draws for normal coefficients with standard normal priors and noise of 0.5; sd multiplies their spread."""
    x, y = data["x"], data["y"]
    precision = x.T @ x / 0.25 + np.eye(3)
    mean = np.linalg.solve(precision, x.T @ y / 0.25)
    noise = np.linalg.solve(np.linalg.cholesky(precision).T, np.random.default_rng(seed).standard_normal((3, 99)))
    return {"b": mean + sd * noise.T}


@pytest.mark.slow
def test_an_exact_sampler_is_calibrated_and_a_narrow_one_is_not(backend):
    model = read("plated_regression", backend)
    exact = inference.calibrate(model, posterior_draws, simulations=30, seed=1)
    assert set(exact.ranks) == {"b[0]", "b[1]", "b[2]", "log-likelihood", "log joint", "distance to the mean"}
    assert all(len(r) == 30 for r in exact.ranks.values())
    assert exact.miscalibrated == []
    narrow = inference.calibrate(model, lambda data, seed: posterior_draws(data, seed, 0.1), simulations=30, seed=1)
    assert {"b[0]", "b[1]", "b[2]"} <= set(narrow.miscalibrated)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_labels_of_a_mixture_by_their_exact_posterior(backend):
    result = inference.calibrate(read("mixture_of_regressions", backend), "exact", simulations=10, draws=19)
    assert set(result.ranks) == {"line[n]", "log joint"}
    assert len(result.ranks["line[n]"]) == 300  # every row is a repeat


def test_simulated_data_has_covariates_types_and_missing_values_of_the_reading(backend):
    (x,), data = BY_NAME["plated_regression"].arguments()
    y = np.where(np.arange(25) < 5, np.nan, data["y"])
    model = zoo.read(zoo.Model(BY_NAME["plated_regression"].load(backend), backend=backend), x, y)
    one = model.data_of(model.simulate(1))
    np.testing.assert_array_equal(one["x"], x)
    np.testing.assert_array_equal(np.isnan(one["y"]), np.isnan(y))
    assert not np.array_equal(one["y"][5:], y[5:])


def test_invariants_follow_the_exchangeable_dimensions_of_the_program(backend):
    from inference.evaluation.calibration.invariants import invariants

    model = describe_density(read("mixture_of_regressions", backend))
    assert len(model.card.exchangeable) == 1
    rng = np.random.default_rng(0)
    draws = {"weights": rng.dirichlet([1, 1], 5), "sigma": rng.random(5)}
    draws |= {n: rng.standard_normal((5, 2)) for n in ("intercept", "slope")}
    swapped = {n: v if n == "sigma" else v[:, ::-1] for n, v in draws.items()}
    names, values = invariants(model.card, model.keywords, draws)
    _, others = invariants(model.card, model.keywords, swapped)
    assert len(names) == 7
    np.testing.assert_array_equal(values, others)


def test_what_cannot_be_simulated_is_refused(backend):
    with pytest.raises(ZooError, match="mu, tau of empirical_bayes has no prior"):
        inference.calibrate(read("empirical_bayes", backend), "nuts")
    with pytest.raises(ZooError, match="ratings are computed in matrix_factorisation"):
        inference.calibrate(read("matrix_factorisation", backend), "nuts")
    with pytest.raises(ZooError, match=r"zoo\.read"):
        inference.calibrate(zoo.Model(BY_NAME["plated_regression"].load(backend), backend=backend), "nuts")


def test_an_improper_prior_cannot_be_simulated_from():
    with pytest.raises(ZooError, match="proper"):
        inference.calibrate(read("flat_regression", "numpyro"), "nuts")
