"""Autoregressive hidden Markov models: against least squares, known parameters and recursions; mistakes.

Likelihoods, posteriors and steps of EM are held against the list of all paths in tests/test_sequences.py and
tests/test_hidden_markov.py.
"""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference import sequences

RNG = np.random.default_rng(0)


def load(**settings: Any) -> zoo.Model:
    return zoo.load("autoregressive_hmm", "pyro", **settings)


def rotation(angle: float) -> np.ndarray:
    return 0.97 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("noise", ["diagonal", "full"])
def test_one_state_is_least_squares(noise):
    x = load(K=2).simulate(0, N=4, T=30, D=2)["x"] + 5.0
    x[0, 20:] = x[1, 1:] = np.nan  # the second sequence has too few steps to regress on
    fit = inference.fit(load(K=1, P=2, noise=noise), x, "em")
    steps = [(n, t) for n in range(4) for t in range(2, 30) if not np.isnan(x[n, t]).any()]
    u = np.array([[1, *x[n, t - 1], *x[n, t - 2]] for n, t in steps])
    y = np.array([x[n, t] for n, t in steps])
    b = np.linalg.lstsq(u, y)[0]
    W, loc = fit.params["W"][0], fit.keywords["loc"]
    np.testing.assert_allclose(np.concatenate([W[0].T, W[1].T]), b[1:], rtol=1e-8)
    np.testing.assert_allclose(fit.params["mu"][0] - W.sum(0) @ loc, b[0], rtol=1e-8)
    Sigma = (y - u @ b).T @ (y - u @ b) / len(y)
    inverse = 1 / np.diag(Sigma) if noise == "diagonal" else np.linalg.inv(Sigma)
    np.testing.assert_allclose(fit.params["Lambda"][0], inverse, rtol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_dynamics_about_one_mean_are_found(seed):
    """States that differ by their dynamics alone, which k-means of the steps does not see."""
    truth = {
        "pi": np.ones(3) / 3,
        "A": 0.97 * np.eye(3) + 0.01,
        "mu": np.zeros((3, 2)),
        "W": np.stack([rotation(0.1), rotation(0.8), rotation(-0.4)])[:, None],
        "Lambda": np.full((3, 2), 100.0),
    }
    values = load(K=3).simulate(seed, truth, N=3, T=400, D=2)
    fit = inference.fit(load(K=3), values["x"], "em", seed=seed)
    at_truth = inference.fit(load(K=3), values["x"], "em", start=truth)
    assert fit.diagnostics["start"] == "clusterwise regression"
    assert fit.trace[-1] > at_truth.trace[-1] - 1e-4
    order = [int(np.abs(fit.params["W"] - W).sum((1, 2, 3)).argmin()) for W in truth["W"]]
    assert sorted(order) == [0, 1, 2]
    # about 400 steps in a state: the standard error of a coefficient of stationary variance s^2 is 0.1 / (20 s)
    error = 0.1 / (20 * values["x"].std())
    assert np.abs(fit.params["W"][order] - truth["W"]).max() < 5 * error
    assert np.abs(np.log(fit.params["Lambda"][order] / 100)).max() < 5 * np.sqrt(2 / 400)
    path = sequences.most_probable_path(fit).states
    assert (np.argsort(order)[path] == values["z"]).mean() > 0.97


def test_forecasts_continue_each_sequence():
    x = load(K=2, P=2).simulate(0, N=3, T=30, D=2)["x"]
    x[0, 20:] = np.nan
    fit = inference.fit(load(K=2, P=2), x, "em", objective="map", max_iter=5)
    forecast = sequences.forecast(fit, steps=2, num_draws=200)
    filtered, loc, (mu, W) = sequences.filtered(fit), fit.keywords["loc"], (fit.params["mu"], fit.params["W"])
    for n, length in enumerate((20, 30, 30)):
        states = filtered[n, length - 1] @ fit.params["A"]
        np.testing.assert_allclose(forecast.states[n, 0], states, atol=1e-12)
        mean = states @ (mu + np.einsum("kpde,pe->kd", W, x[n, [length - 1, length - 2]] - loc))
        draws = forecast.draws["x"][:, n]
        assert (abs(draws[:, 0].mean(0) - mean) < 5 * draws[:, 0].std(0) / np.sqrt(200)).all()
    # the mean of a step after another is linear in it
    one = inference.fit(load(K=1), x, "em")
    mu, W, loc = one.params["mu"][0], one.params["W"][0, 0], one.keywords["loc"]
    draws, y = sequences.forecast(one, steps=3, num_draws=200).draws["x"][:, 1], x[1, -1]
    for h in range(3):
        y = mu + W @ (y - loc)
        assert (abs(draws[:, h].mean(0) - y) < 5 * draws[:, h].std(0) / np.sqrt(200)).all()


def test_values_before_the_first_step_are_those_of_the_sequence():
    model = load(K=2, P=2, loc=0.3, scale=1.5, spread=1.0)
    values = model.simulate(0, N=2, T=9, D=2)
    x, z, later = values["x"], values["z"], slice(4, None)
    sizes = {"N": 2, "D": 2}
    rest = {**values, "x": x[:, later], "z": z[:, later]}
    before = model.log_joint(rest, T=5, before=x[:, 2:4], **sizes)
    # the sum over all steps less that over the first four, apart from the states and the parameters
    first = model.log_joint({**values, "x": x[:, :4], "z": z[:, :4]}, T=4, **sizes)
    whole = model.log_joint(values, T=9, **sizes)
    log_A, log_pi = np.log(values["A"]), np.log(values["pi"])
    of_states = log_A[z[:, 3], z[:, 4]].sum() - log_pi[z[:, 4]].sum()
    parameters = {n: values[n] for n in ("pi", "A", "mu", "W", "Lambda")}
    empty = np.full((2, 2, 2), np.nan)
    of_parameters = model.log_joint({**parameters, "x": empty, "z": z[:, :2]}, T=2, **sizes)
    of_parameters -= log_pi[z[:, 0]].sum() + log_A[z[:, 0], z[:, 1]].sum()
    np.testing.assert_allclose(before, whole - first - of_states + of_parameters, rtol=1e-9)


def test_a_list_of_sequences_is_each_alone():
    x = load(K=2).simulate(1, N=2, T=30, D=2)["x"]
    fit = inference.fit(load(K=2), [x[0], x[1, :12]], "em", objective="map", max_iter=3)
    alone = [fit.log_likelihood(x[0])[0], fit.log_likelihood(x[1, :12])[0]]
    np.testing.assert_allclose(fit.log_likelihood(), alone, rtol=1e-12)
    np.testing.assert_allclose(sequences.predictive_log_likelihood(fit).sum(1), alone, rtol=1e-9)


X = RNG.normal(size=(2, 12, 2))
GAP = np.where(np.arange(12)[:, None] == 4, np.nan, X)
WRONG: list[tuple[dict[str, Any], Any, dict[str, Any], str]] = [
    ({"P": 12}, X, {}, "P=12: a step regresses on the P steps before, and the longest sequence has 12"),
    ({}, X[:, :1], {}, "P=1: .* the longest sequence has 1"),
    ({"P": 0}, X, {}, "P is a size: give a whole number from 1 up"),
    ({}, GAP, {}, r"x: step 4 of sequence 0 is missing \(NaN\), and later steps depend on it"),
    ({}, np.where(np.arange(2) == 1, np.nan, X), {}, "x: step 0 of sequence 0 is missing"),
    ({"noise": "tied"}, X, {}, "no noise 'tied'; known: diagonal, full"),
    ({"slope": 0.0}, X, {}, "slope is a number above 0"),
    ({"stickiness": -1.0}, X, {}, "stickiness is a number from 0 up"),
    ({"before": np.zeros((2, 1, 2))}, X, {}, "before is for simulations"),
    ({"K": 9}, X, {}, "K=9 states need at least 9 windows of 6 steps, and there are 4"),
    ({}, np.concatenate([X, np.ones((2, 12, 1))], axis=2), {}, "column 2 of x is constant"),
]


@pytest.mark.parametrize(("settings", "x", "options", "message"), WRONG, ids=[w[-1][:30] for w in WRONG])
def test_a_mistake_is_told_in_one_line(settings, x, options, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.fit(load(**{"K": 2, **settings}), x, "em", **options)
    assert "\n" not in str(caught.value)


def test_mistakes_of_questions_are_told_in_one_line():
    fit = inference.fit(load(K=2, P=2), X, "em", objective="map", max_iter=2)
    with pytest.raises(zoo.ZooError, match="sequence 1 has fewer than P=2 steps"):
        sequences.forecast(fit, [X[0], X[1, :1]])
    with pytest.raises(
        zoo.ZooError, match=r"before has the P=2 steps before .* shape \(2, 2, 2\); given shape \(1, 2\)"
    ):
        fit.model.simulate(0, N=2, T=3, D=2, before=np.zeros((1, 2)))
    with pytest.raises(zoo.ZooError, match="x has D=1"):
        fit.log_likelihood(X[..., :1])
