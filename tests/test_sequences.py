"""Questions about the states of sequences, against the list of all paths and each other."""

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import inference
import zoo
from inference import enumeration, sequences
from inference.exact import markov
from tests.paths import OTHER_MODELS, all_paths, list_paths, load, simulated

N, T, D, K = 3, 6, 2, 3
PATHS = all_paths(T, K)
EMISSIONS = (*zoo.card("hidden_markov").variants["emission"], *OTHER_MODELS)


def hidden_markov(backend: str, emission: str = "normal", **settings: Any) -> zoo.Model:
    return load(emission, backend, **settings)


def fit_at(params: dict[str, np.ndarray], x: Any, backend: str = "pyro", emission: str = "normal") -> inference.Fit:
    """A fit whose parameters are these."""
    fit = inference.fit(hidden_markov(backend, emission, K=K), x, "em", objective="map", start=params, max_iter=1)
    fit.params.update(params)
    return fit


# compiling takes NumPyro longer than all else: it is tried in the slow tests, and Pyro here
LANGUAGES = [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"]


@pytest.mark.parametrize(
    ("emission", "backend"),
    [(e, "pyro") for e in EMISSIONS] + [pytest.param(e, "numpyro", marks=pytest.mark.slow) for e in EMISSIONS],
)
def test_answers_equal_the_list_of_all_paths(emission, backend):
    params, x = simulated(emission)
    fit = fit_at(params, x, backend, emission)
    smoothed, best = sequences.smoothed(fit), sequences.most_probable_path(fit, num_paths=4)
    filtered, log_likelihood = sequences.filtered(fit), fit.log_likelihood()
    pairs = markov.smooth(*enumeration.chain(fit.fitted_model, params, x)[:2]).pairs
    np.testing.assert_allclose(fit.local()["z"], smoothed, atol=1e-12)
    np.testing.assert_allclose(filtered[:, -1], smoothed[:, -1], atol=1e-12)
    for n in range(N):
        logs = list_paths(params, x[n], emission, fit.keywords)
        p = np.exp(logs - logsumexp(logs))
        np.testing.assert_allclose(log_likelihood[n], logsumexp(logs), rtol=1e-10)
        of_states = np.eye(K)[PATHS]
        np.testing.assert_allclose(smoothed[n], np.einsum("p,ptk->tk", p, of_states), atol=1e-10)
        of_pairs = np.einsum("p,ptj,ptk->tjk", p, of_states[:, :-1], of_states[:, 1:])
        of_pairs = of_pairs if len(pairs[n]) > 1 else of_pairs.sum(0, keepdims=True)
        np.testing.assert_allclose(pairs[n], of_pairs, atol=1e-10)
        order = np.argsort(-logs, kind="stable")[:4]
        np.testing.assert_allclose(best.log_probability[n], np.log(p[order]), atol=1e-9)
        np.testing.assert_allclose(logs[best.states[n] @ K ** np.arange(T)[::-1]], logs[order], rtol=1e-12)


def test_paths_are_drawn_by_their_probability():
    params, x = simulated("normal")
    logs, num_draws = list_paths(params, x[0], "normal", {}), 2000
    expected = num_draws * np.exp(logs - logsumexp(logs))
    draws = sequences.paths(fit_at(params, x), num_paths=num_draws, seed=1)[:, 0] @ K ** np.arange(T)[::-1]
    counts = np.bincount(draws, minlength=len(expected))
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - len(expected) + 1) < 5 * np.sqrt(2 * len(expected) + (1 / expected).sum())


@pytest.mark.parametrize("backend", LANGUAGES)
def test_sequences_of_different_lengths_are_separate_ones(backend):
    params, x = simulated("normal")
    fit = fit_at(params, x, backend)
    ragged = [x[0], x[2, :4]]
    together = fit.log_likelihood(ragged)
    alone = [fit.log_likelihood(sequence)[0] for sequence in ragged]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    np.testing.assert_allclose(sequences.smoothed(fit, ragged)[1, :4], sequences.smoothed(fit, x[2, :4])[0], atol=1e-12)


@pytest.mark.parametrize(
    ("emission", "values"), [("bernoulli", range(2)), ("categorical", range(3)), ("poisson", range(400))]
)
def test_a_missing_value_is_integrated_out(emission, values):
    params, x = simulated(emission)
    fit = fit_at(params, x, "pyro", emission)
    filled = np.stack([np.where(np.isnan(x[0]), value, x[0]) for value in values])
    np.testing.assert_allclose(fit.log_likelihood(x[0])[0], logsumexp(fit.log_likelihood(filled)), rtol=1e-12)


def test_forecasts_are_those_of_the_program():
    params, x = simulated("normal")
    fit = fit_at(params, x)
    forecast = sequences.forecast(fit, steps=3, num_draws=300)
    longer = np.concatenate([x, np.full((N, 3, D), np.nan)], axis=1)
    np.testing.assert_allclose(forecast.states, sequences.smoothed(fit, longer)[:, T:], atol=1e-12)
    mean = forecast.states @ params["mu"]
    second = forecast.states @ (params["mu"] ** 2 + 1 / params["Lambda"])
    error = np.sqrt((second - mean**2) / 300)
    assert forecast.draws["x"].shape == (300, N, 3, D)
    assert (abs(forecast.draws["x"].mean(0) - mean) < 5 * error).all()
    lower, upper = forecast.interval(probability=0.8)
    assert ((forecast.draws["x"] >= lower) & (forecast.draws["x"] <= upper)).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("backend", LANGUAGES)
def test_em_begins_at_labels_of_the_steps_and_climbs(backend):
    params, x = simulated("normal", 3, N=4, T=12, K=2)
    fit = inference.fit(hidden_markov(backend, K=2), x, "em", objective="map", max_iter=15)
    truth = inference.fit(hidden_markov(backend, K=2), x, "em", objective="map", max_iter=1, start=params)
    assert (np.diff(fit.trace) > -1e-9).all()
    assert fit.trace[-1] > truth.trace[0]


def test_a_sparse_prior_sets_transitions_to_zero():
    """At the maximum A has the largest value of sum_k (pairs + concentration - 1) log A_k, A_k of 1e-90 and more."""
    params, x = simulated("normal", 3, N=4, T=12, K=3)
    model = hidden_markov("pyro", K=3, concentration=0.2, stickiness=0.5)
    fit = inference.fit(model, x, "em", start=params, objective="map", tol=1e-12, max_iter=500)
    assert (np.diff(fit.trace) > -1e-9 * np.abs(fit.trace[-1])).all()
    A = fit.params["A"]
    smoothed = markov.smooth(*enumeration.chain(fit.fitted_model, fit.params, x)[:2])
    added = smoothed.pairs.sum((0, 1)) - 0.8 + 0.5 * np.eye(3)
    counts = np.maximum(added, 0.0)
    np.testing.assert_array_equal(A < 1e-80, counts == 0)
    assert (counts == 0).any()
    np.testing.assert_allclose(A, counts / counts.sum(1, keepdims=True), atol=1e-5)
    others = np.maximum(np.random.default_rng(0).dirichlet(np.full(3, 0.1), (2000, 3)), 1e-90)
    values = np.einsum("kj,...kj->...k", added, np.log(others / others.sum(-1, keepdims=True)))
    assert (values <= (added * np.log(A)).sum(1) + 1e-6).all()


def test_a_permutation_of_the_states_changes_no_answer():
    params, x = simulated("normal")
    order = [2, 0, 1]
    fit = fit_at(params, x)
    log_p, smoothed, path = fit.log_likelihood(), sequences.smoothed(fit), sequences.most_probable_path(fit)
    fit.params.update({n: v[order][:, order] if n == "A" else v[order] for n, v in fit.params.items()})
    np.testing.assert_allclose(fit.log_likelihood(), log_p, rtol=1e-12)
    np.testing.assert_allclose(sequences.smoothed(fit), smoothed[..., order], atol=1e-12)
    permuted = sequences.most_probable_path(fit)
    np.testing.assert_allclose(permuted.log_probability, path.log_probability, atol=1e-12)
    assert (np.array(order)[permuted.states] == path.states).all()


def test_questions_to_other_models():
    fit = inference.fit(zoo.load("poisson_mixture", "pyro", K=2), [1.0, 2.0, 9.0, 8.0], "em", max_iter=3)
    with pytest.raises(zoo.ZooError, match="the program has no chain"):
        sequences.smoothed(fit)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([np.zeros((3, 2)), np.zeros((2, 1))], r"x\[1\] has the shape \(2, 1\) and x\[0\] \(3, 2\)"),
        ([np.zeros((3, 1)), np.zeros((0, 1))], r"x\[1\] has no steps"),
        (np.full((2, 3, 1), np.nan), "every value is missing"),
    ],
)
def test_sequences_that_no_model_takes(x, message):
    with pytest.raises(zoo.ZooError, match=message):
        inference.fit(hidden_markov("pyro", K=2), x, "em")
