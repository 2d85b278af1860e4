"""Questions about the states of sequences, against the list of all paths and each other."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import inference
import zoo
from inference import sequences
from tests.chain_models import CARD, hidden_markov

N, T, D, K = 3, 6, 2, 3
PATHS = np.array(list(itertools.product(range(K), repeat=T)))
EMISSIONS = ("normal", "bernoulli", "poisson")


def simulated(emission: str, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters and data with a missing value, a missing step and a sequence that ends early."""
    values = hidden_markov("pyro", K=K, emission=emission).simulate(seed, N=N, T=T, D=D)
    x = values["x"].copy()
    x[0, 1, 0] = x[1, 2] = x[2, 4:] = np.nan
    return {n: values[n] for n in CARD.parameters({"emission": emission})}, x


def list_paths(model: zoo.Model, params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """log p(x, path | params) of one sequence for every path, by the program's own log joint."""
    sizes: dict[str, Any] = {"N": 1, "T": T, "D": D}
    empty = np.full((1, T, D), np.nan)
    prior_of_first = np.log(params["pi"][0]) + (T - 1) * np.log(params["A"][0, 0])
    prior = model.log_joint({**params, "x": empty, "z": PATHS[:1]}, **sizes) - prior_of_first
    return np.array([model.log_joint({**params, "x": x[None], "z": path[None]}, **sizes) for path in PATHS]) - prior


# compiling takes NumPyro longer than all else: it is tried in the slow tests, and Pyro here
LANGUAGES = [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"]


@pytest.mark.parametrize(
    ("emission", "backend"),
    [pytest.param("normal", "numpyro", marks=pytest.mark.slow), *((e, "pyro") for e in EMISSIONS)],
)
def test_answers_equal_the_list_of_all_paths(emission, backend):
    params, x = simulated(emission)
    model = hidden_markov(backend, K=K, emission=emission, D=D)
    fit = inference.fit(model, x, "em", start=params, max_iter=1)
    fit.params.update(params)
    smoothed, best = sequences.smoothed(fit), sequences.most_probable_path(fit, num_paths=4)
    filtered = sequences.filtered(fit)
    np.testing.assert_allclose(fit.local()["z"], smoothed, atol=1e-12)
    np.testing.assert_allclose(filtered[:, -1], smoothed[:, -1], atol=1e-12)
    pyro_model = hidden_markov("pyro", K=K, emission=emission, D=D)
    n = 0
    logs = list_paths(pyro_model, params, x[n])
    p = np.exp(logs - logsumexp(logs))
    np.testing.assert_allclose(fit.log_likelihood()[n], logsumexp(logs), rtol=1e-10)
    np.testing.assert_allclose(smoothed[n], np.einsum("p,ptk->tk", p, np.eye(K)[PATHS]), atol=1e-10)
    order = np.argsort(-logs, kind="stable")[:4]
    np.testing.assert_allclose(best.log_probability[n], np.log(p[order]), atol=1e-9)
    assert (best.states[n] == PATHS[order]).all()
    draws = sequences.paths(fit, num_paths=2000, seed=1)[:, n] @ K ** np.arange(T)[::-1]
    counts, expected = np.bincount(draws, minlength=len(p)), 2000 * p
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - len(p) + 1) < 5 * np.sqrt(2 * len(p) + (1 / expected).sum())


@pytest.mark.parametrize("backend", LANGUAGES)
def test_sequences_of_different_lengths_are_separate_ones(backend):
    params, x = simulated("normal")
    fit = inference.fit(hidden_markov(backend, K=K), x, "em", start=params, max_iter=1)
    ragged = [x[0], x[2, :4]]
    together = fit.log_likelihood(ragged)
    alone = [fit.log_likelihood(sequence)[0] for sequence in ragged]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    np.testing.assert_allclose(sequences.smoothed(fit, ragged)[1, :4], sequences.smoothed(fit, x[2, :4])[0], atol=1e-12)


def test_a_missing_item_is_integrated_out():
    params, x = simulated("bernoulli")
    fit = inference.fit(hidden_markov("pyro", K=K, emission="bernoulli"), x, "em", start=params, max_iter=1)
    values = [np.where(np.isnan(x[0]), value, x[0]) for value in (0.0, 1.0)]
    total = logsumexp([fit.log_likelihood(value) for value in values], axis=0)
    np.testing.assert_allclose(fit.log_likelihood(x[0]), total, rtol=1e-12)


def test_forecasts_are_those_of_the_program():
    params, x = simulated("normal")
    fit = inference.fit(hidden_markov("pyro", K=K), x, "em", start=params, max_iter=1)
    fit.params.update(params)
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
    values = hidden_markov("pyro", K=2).simulate(3, N=4, T=12, D=D)
    params = {n: values[n] for n in CARD.parameters()}
    x = values["x"].copy()
    x[0, 8:] = np.nan
    fit = inference.fit(hidden_markov(backend, K=2), x, "em", objective="map", max_iter=15)
    truth = inference.fit(hidden_markov(backend, K=2), x, "em", objective="map", max_iter=1, start=params)
    assert (np.diff(fit.trace) > -1e-9).all()
    assert fit.trace[-1] > truth.trace[0]


def test_a_permutation_of_the_states_changes_no_answer():
    params, x = simulated("normal")
    order = [2, 0, 1]
    fit = inference.fit(hidden_markov("pyro", K=K), x, "em", start=params, max_iter=1)
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
