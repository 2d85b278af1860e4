"""Pointwise likelihoods and predictions of users' own programs, against direct computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import inference
import zoo
from inference.result import Fit
from tests.user_fits import fit_of, fit_with_draws
from tests.user_programs import BY_NAME
from zoo import ZooError

BACKENDS = ("numpyro", "pyro")


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def regression(backend):
    return fit_with_draws("plated_regression", backend)


@pytest.fixture(scope="module")
def mixture(backend):
    return fit_with_draws("mixture_of_regressions", backend)


def test_likelihood_of_a_regression_is_by_element(regression):
    likelihood = regression.log_likelihood(kind="conditional")
    x, y = regression.data["x"], regression.data["y"]
    expected = stats.norm.logpdf(y, regression.draws["b"] @ x.T, 0.5)
    assert set(likelihood) == {"y"}
    np.testing.assert_allclose(likelihood["y"], expected, rtol=1e-9)
    np.testing.assert_allclose(regression.log_likelihood(), expected, rtol=1e-9)
    group = regression.to_arviz()["log_likelihood"]
    assert set(group.data_vars) == {"y"}  # nothing is summed out
    assert group["y"].dims == ("chain", "draw", "n")
    np.testing.assert_allclose(group["y"].values, expected, rtol=1e-9)


def test_likelihood_of_a_point_has_no_dimensions_of_draws(regression):
    point = replace(regression, draws={})
    x, y = point.data["x"], point.data["y"]
    expected = stats.norm.logpdf(y, x @ point.params["b"], 0.5)
    np.testing.assert_allclose(point.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)
    assert point.to_arviz()["log_likelihood"]["y"].shape == (1, 1, 25)


def test_likelihood_of_other_rows(regression):
    x, y = np.ones((4, 3)), np.arange(4.0)
    expected = stats.norm.logpdf(y, regression.draws["b"] @ x.T, 0.5)
    likelihood = regression.log_likelihood({"x": x, "y": y}, kind="conditional")
    np.testing.assert_allclose(likelihood["y"], expected, rtol=1e-9)


def test_a_fit_to_other_rows_than_those_of_the_reading(regression):
    x, y = np.ones((4, 3)), np.arange(4.0)
    table, keywords = regression.model.bind({"x": x, "y": y})
    other = replace(regression, data=table, keywords=keywords)
    expected = stats.norm.logpdf(y, regression.draws["b"] @ x.T, 0.5)
    np.testing.assert_allclose(other.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)
    np.testing.assert_allclose(other.log_likelihood(), expected, rtol=1e-9)
    assert other.posterior_predictive()["y"].shape == (2, 3, 4)


def test_missing_values_have_likelihood_zero(backend):
    (x,), data = BY_NAME["plated_regression"].arguments()
    y = np.where(np.arange(25) % 4 == 0, np.nan, data["y"])
    fit = fit_with_draws("plated_regression", backend, ((x,), {"y": y}))
    expected = np.where(np.isnan(y), 0.0, stats.norm.logpdf(y, fit.draws["b"] @ x.T, 0.5))
    np.testing.assert_allclose(fit.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)


def test_masks_and_weights_of_the_program(backend):
    masked = fit_with_draws("masked_regression", backend)
    x, y, is_present = (masked.data[n] for n in ("x", "y", "is_present"))
    expected = stats.norm.logpdf(y, masked.draws["slope"][..., None] * x, 1.0) * is_present
    np.testing.assert_allclose(masked.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)
    weighted = fit_with_draws("weighted_mean", backend)  # a weight is no part of the density of an element
    expected = stats.norm.logpdf(weighted.data["y"], weighted.draws["mu"][..., None], 1.0)
    np.testing.assert_allclose(weighted.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)


def test_likelihood_in_crossed_plates_is_by_cell(backend):
    fit = fit_with_draws("item_response", backend)
    draws, y = fit.draws, fit.data["responses"]
    logits = draws["discrimination"][..., None, :] * (draws["ability"] - draws["difficulty"][..., None, :])
    expected = stats.bernoulli.logpmf(y, expit(logits))
    likelihood = fit.log_likelihood(kind="conditional")["responses"]
    np.testing.assert_allclose(likelihood, expected, rtol=1e-8)
    np.testing.assert_allclose(fit.log_likelihood(), expected.sum(-1), rtol=1e-8)  # a row is a student
    assert fit.to_arviz()["log_likelihood"]["responses"].dims == ("chain", "draw", "students", "questions")


def mixture_log_density(fit: Fit) -> np.ndarray:
    """log p of each point under a mixture of two lines, (chain, draw, points)."""
    draws, x, y = fit.draws, fit.data["x"], fit.data["y"]
    lines = draws["intercept"][..., None] + draws["slope"][..., None] * x
    by_line = stats.norm.logpdf(y, lines, draws["sigma"][..., None, None])
    return logsumexp(by_line + np.log(draws["weights"])[..., None], axis=-2)


def test_marginal_likelihood_of_a_mixture(mixture):
    expected = mixture_log_density(mixture)
    np.testing.assert_allclose(mixture.log_likelihood(), expected, rtol=1e-9)
    # without draws of its label a point has no likelihood given all latents: the label is summed out
    np.testing.assert_allclose(mixture.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)
    group = mixture.to_arviz()["log_likelihood"]
    assert set(group.data_vars) == {"y_marginal"}
    assert group["y_marginal"].dims == ("chain", "draw", "N")
    np.testing.assert_allclose(group["y_marginal"].values, expected, rtol=1e-9)


def test_likelihood_of_a_mixture_given_draws_of_its_labels(mixture):
    lines = np.random.default_rng(1).integers(2, size=(2, 3, 30))
    labelled = replace(mixture, draws={**mixture.draws, "line": lines})
    intercept, slope = (np.take_along_axis(labelled.draws[n], lines, -1) for n in ("intercept", "slope"))
    expected = stats.norm.logpdf(
        labelled.data["y"], intercept + slope * labelled.data["x"], labelled.draws["sigma"][..., None]
    )
    np.testing.assert_allclose(labelled.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)


def test_items_with_several_annotations(backend):
    fit = fit_with_draws("dawid_skene", backend)
    draws, y = fit.draws, fit.data["y" if "y" in fit.data else "annotations"].astype(int)
    by_class = np.log(draws["beta"])[:, :, np.arange(4)[:, None, None], np.arange(3)[:, None], y.T[:, None, :]]
    expected = logsumexp(by_class.sum(2) + np.log(draws["pi"])[..., None], axis=-2)
    np.testing.assert_allclose(fit.log_likelihood(kind="conditional")["y"], expected, rtol=1e-8)


def test_items_are_annotated_again(backend):
    fit = fit_with_draws("dawid_skene", backend)
    assert fit.posterior_predictive()["y"].shape == (2, 3, 15, 4)


def test_learned_parameters_have_one_value_for_all_draws(backend):
    (y,), _ = BY_NAME["empirical_bayes"].arguments()
    model = zoo.read(zoo.Model(BY_NAME["empirical_bayes"].load(backend), backend=backend), y)
    effect = np.random.default_rng(3).normal(size=(2, 3, 6, 1))
    fit = fit_of(model, {"effect": effect})
    fit = replace(fit, params={**fit.params, "mu": np.array(0.5), "tau": np.array(2.0)})
    expected = stats.norm.logpdf(y, effect, 1.0)
    np.testing.assert_allclose(fit.log_likelihood(kind="conditional")["y"], expected, rtol=1e-9)
    np.testing.assert_allclose(fit.log_likelihood(), expected.sum(-1), rtol=1e-9)
    assert fit.posterior_predictive()["y"].shape == (2, 3, 6, 4)


def test_weights_of_a_network_are_those_of_the_fit(backend):
    (pixels,), _ = BY_NAME["autoencoder"].arguments()
    model = zoo.read(zoo.Model(BY_NAME["autoencoder"].load(backend), backend=backend), pixels)
    rng = np.random.default_rng(4)
    z = rng.normal(size=(1, 3, 20, 2))
    weights = {n: rng.normal(size=s.shape(model.keywords)) for n, s in model.card.parameters().items() if n != "z"}
    fit = fit_of(model, {"z": z})
    fit = replace(fit, params={**fit.params, **weights})
    if backend == "numpyro":
        first, second = ((weights[f"decoder.Dense_{i}.kernel"], weights[f"decoder.Dense_{i}.bias"]) for i in (0, 1))
    else:
        first, second = ((weights[f"decoder.{i}.weight"].T, weights[f"decoder.{i}.bias"]) for i in (0, 2))
    logits = np.tanh(z @ first[0] + first[1]) @ second[0] + second[1]
    expected = stats.bernoulli.logpmf(pixels, expit(logits)).sum(-1)
    np.testing.assert_allclose(fit.log_likelihood(kind="conditional")["pixels"], expected, rtol=1e-7)
    assert fit.posterior_predictive()["pixels"].shape == (1, 3, 20, 6)


def test_a_shared_discrete_latent_leaves_no_likelihood_of_rows(backend):
    fit = fit_with_draws("coal_mining", backend)
    with pytest.raises(ZooError, match="tau couples the rows"):
        fit.log_likelihood(kind="conditional")
    assert "log_likelihood" not in fit.to_arviz().children
    year, tau = np.arange(40), np.full((2, 3), 16)  # of the change
    labelled = replace(fit, draws={**fit.draws, "tau": tau})
    rate = np.where(year < 16, labelled.draws["early"][..., None], labelled.draws["late"][..., None])
    expected = stats.poisson.logpmf(fit.data["disasters"], rate)
    np.testing.assert_allclose(labelled.log_likelihood(kind="conditional")["disasters"], expected, rtol=1e-9)


def test_an_event_of_all_data_has_one_likelihood(backend):
    fit = fit_with_draws("gaussian_process", backend)
    draws, X, Y = fit.draws, fit.data["X"], fit.data["Y"]
    var, length, noise = (draws[f"kernel_{n}"][..., None, None] for n in ("var", "length", "noise"))
    covariance = var * np.exp(-0.5 * ((X[:, None] - X) / length) ** 2) + (noise + 1e-6) * np.eye(len(X))
    expected = [[stats.multivariate_normal.logpdf(Y, cov=c) for c in chain] for chain in covariance]
    np.testing.assert_allclose(fit.log_likelihood(kind="conditional")["Y"], expected, rtol=1e-8)
    np.testing.assert_allclose(fit.to_arviz()["log_likelihood"].dataset["Y"], expected, rtol=1e-8)


def test_factors_of_the_prior_are_no_part_of_a_row(backend):
    (deaths, totals), _ = BY_NAME["rat_tumours"].arguments()
    model = zoo.read(zoo.Model(BY_NAME["rat_tumours"].load(backend), backend=backend), deaths, totals)
    rng = np.random.default_rng(2)
    fit = fit_of(model, {"a": rng.random((2, 3)), "b": rng.random((2, 3)), "theta": rng.random((2, 3, 10))})
    expected = stats.binom.logpmf(fit.data["deaths"], fit.data["totals"].astype(int), fit.draws["theta"])
    np.testing.assert_allclose(fit.log_likelihood(), expected, rtol=1e-8)


def test_states_of_a_scan_are_summed_out_or_given():
    fit = fit_with_draws("capture_histories", "numpyro")
    same = fit_with_draws("capture_histories", "pyro")
    same = replace(same, draws={n: fit.draws[n] for n in same.draws})
    np.testing.assert_allclose(fit.log_likelihood(), same.log_likelihood(), rtol=1e-10)
    states = np.ones((2, 3, 5, 12), int)
    alive = replace(fit, draws={**fit.draws, "z": states})
    history, first = (np.asarray(a) for a in BY_NAME["capture_histories"].arguments()[0])
    is_later = np.arange(5)[:, None] > first
    expected = np.where(is_later, stats.bernoulli.logpmf(history.T, fit.draws["rho"][..., None, None]), 0.0)
    np.testing.assert_allclose(alive.log_likelihood(kind="conditional")["y"], expected, atol=1e-9)


def test_kinds_of_likelihood(regression):
    with pytest.raises(ZooError, match="kind"):
        regression.log_likelihood(kind="pointwise")


def test_a_model_of_the_zoo_has_the_marginal_one(backend):
    x = np.array([0.0, 1.0, 5.0, 6.0])
    fit = inference.fit(zoo.load("gaussian_mixture", K=2, backend=backend), x[:, None], engine="em")
    with pytest.raises(ZooError, match="kind='marginal'"):
        fit.log_likelihood(kind="conditional")
    assert set(fit.to_arviz()["log_likelihood"].data_vars) == {"x"}


def test_replications_have_the_predictive_moments(regression):
    draws = {"b": np.broadcast_to(regression.draws["b"][:1, :1], (1, 4000, 3))}
    predicted = replace(regression, draws=draws).posterior_predictive(seed=1)["y"]
    assert predicted.shape == (1, 4000, 25)
    z = (predicted - regression.data["x"] @ draws["b"][0, 0]) / 0.5
    assert np.abs(z.mean((0, 1))).max() < 4 / np.sqrt(4000)
    assert np.abs(z.var((0, 1)) - 1).max() < 4 * np.sqrt(2 / 4000)


def test_predictions_at_new_covariates(regression):
    x = np.array([[100.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    predicted = regression.posterior_predictive({"x": x}, seed=2)["y"]
    assert predicted.shape == (2, 3, 2)
    expected = regression.draws["b"] @ x.T
    assert np.abs(predicted - expected).max() < 5 * 0.5
    again = regression.posterior_predictive({"x": x}, seed=2)["y"]
    np.testing.assert_array_equal(predicted, again)
    assert regression.posterior_predictive({"x": x}, draws=2)["y"].shape == (2, 2, 2)


def test_new_rows_have_latents_of_their_own(backend):
    fit = fit_with_draws("poisson_gamma", backend, shape=(1, 2000))
    beta = np.full((1, 2000), 2.0)
    rate = np.full((1, 2000, 8), 3.0)
    fit = replace(fit, draws={"beta": beta, "rate": rate})
    hours = fit.data["hours"]
    old = fit.posterior_predictive()["failures"]
    assert np.abs(old.mean((0, 1)) - 3 * hours).max() < 4 * np.sqrt(3 * hours.max() / 2000)
    new = fit.posterior_predictive({"hours": np.full(3, 10.0)})["failures"]
    variance = 10 * 0.9 + 100 * 1.8 / 4  # of a Poisson whose rate is 10 times Gamma(1.8, 2)
    assert np.abs(new.mean((0, 1)) - 9.0).max() < 4 * np.sqrt(variance / 2000)


def test_labels_of_the_rows_come_from_their_posterior(mixture):
    draws = {
        "weights": np.array([0.5, 0.5]),
        "intercept": np.array([-100.0, 0.0]),
        "slope": np.array([0.0, 0.0]),
        "sigma": np.array(1.0),
    }
    fit = replace(mixture, draws={n: np.broadcast_to(v, (1, 50, *v.shape)) for n, v in draws.items()})
    predicted = fit.posterior_predictive()["y"]
    assert np.abs(predicted).max() < 6  # every point belongs to the second line
    new = fit.posterior_predictive({"x": np.zeros(40)})["y"]
    assert abs((new < -50).mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)  # new points to either


def test_predictions_of_a_point(regression):
    point = replace(regression, draws={})
    assert point.posterior_predictive(draws=7)["y"].shape == (1, 7, 25)


def test_a_program_that_cannot_be_sampled_is_refused_in_one_line():
    (deaths, totals), _ = BY_NAME["rat_tumours"].arguments()
    model = zoo.read(zoo.Model(BY_NAME["rat_tumours"].load("numpyro"), backend="numpyro"), deaths, totals)
    fit = fit_of(model, {"a": np.ones((1, 2)), "b": np.ones((1, 2)), "theta": np.full((1, 2, 10), 0.5)})
    with pytest.raises(ZooError, match="rat_tumours cannot be sampled from: TypeError") as caught:
        fit.posterior_predictive()  # NumPyro draws from no binomial with a number of trials that is a float
    assert "\n" not in str(caught.value)


def test_refusals_of_predictions(backend, regression):
    fit = fit_with_draws("gaussian_process", backend)
    assert fit.posterior_predictive()["Y"].shape == (2, 3, len(fit.data["X"]))
    with pytest.raises(ZooError, match="taken in parts"):
        fit.posterior_predictive({"X": fit.data["X"] + 1})
    with pytest.raises(ZooError, match="at most"):
        regression.posterior_predictive(draws=4)
