"""Switching regressions: against ordinary least squares, known parameters and longer sequences; tables; mistakes.

Likelihoods, posteriors and steps of EM are held against the list of all paths in tests/test_sequences.py and
tests/test_hidden_markov.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

import inference
import zoo
from inference import sequences
from inference.engines.em.switching_regression.transitions import maximise_logits
from inference.evaluation.selection.likelihood_ratio import simulate_tables
from tests.paths import list_paths

RNG = np.random.default_rng(0)


def load(**settings: Any) -> zoo.Model:
    return zoo.load("switching_regression", "pyro", **{"K": 2, **settings})


def sequences_with_gaps(**settings: Any) -> np.ndarray:
    x = load(**settings).simulate(0, N=3, T=30, D=3)["x"]
    x[0, 20:], x[1, 4, 0] = np.nan, np.nan
    return x


def test_one_state_is_ordinary_least_squares():
    x = sequences_with_gaps() + 7.0
    fit = inference.fit(load(K=1), x, "em")
    rows = x.reshape(-1, 3)
    rows = rows[~np.isnan(rows[:, 0])]
    u = np.column_stack([np.ones(len(rows)), rows[:, 1:]])
    b = np.linalg.lstsq(u, rows[:, 0])[0]
    level, slopes = fit.params["beta"][0, 0, 0], fit.params["beta"][0, 0, 1:]
    np.testing.assert_allclose(slopes, b[1:], rtol=1e-8)
    np.testing.assert_allclose(level - slopes @ fit.keywords["covariate_mean"], b[0], rtol=1e-8)
    np.testing.assert_allclose(1 / fit.params["Lambda"][0, 0], np.mean((rows[:, 0] - u @ b) ** 2), rtol=1e-8)


@pytest.mark.parametrize("transitions", ["constant", "covariates"])
def test_parameters_are_found(transitions):
    """Regressions through one point, which k-means of the steps does not see."""
    A = np.array([[[0.95, 0.05], [0.1, 0.9]], [[0.8, 0.2], [0.3, 0.7]]])
    truth = {
        "pi": np.array([0.5, 0.5]),
        "A": A[0] if transitions == "constant" else A,
        "beta": np.array([[[0.0, 1.0]], [[0.0, -1.0]]]),
        "Lambda": np.array([[4.0], [4.0]]),
    }
    model = load(transitions=transitions)
    values = model.simulate(1, truth, N=6, T=300, D=2)
    fit = inference.fit(model, values["x"], "em", tol=1e-10)
    at_truth = inference.fit(model, values["x"], "em", tol=1e-10, start=truth)
    np.testing.assert_allclose(fit.trace[-1], at_truth.trace[-1], atol=1e-4)
    order = np.argsort(-fit.params["beta"][:, 0, 1])
    # about 900 steps in a state, of noise 0.5 about covariates of variance 1
    assert np.abs(fit.params["beta"][order] - truth["beta"]).max() < 5 * 0.5 / np.sqrt(600)
    found = fit.params["A"][..., order, :][..., order]
    log_odds, expected = (np.log(p[..., 0] / p[..., 1]) for p in (found, truth["A"]))
    # of 600 departures from the state that is left less often, 60 change it: the logit has the variance 1 / 54
    assert np.abs(log_odds - expected).max() < 5 * np.sqrt(1 / 54)


@pytest.mark.parametrize("objective", ["ml", "map"])
def test_transitions_that_move_climb_by_sums_over_all_paths(objective):
    model = load(transitions="covariates")
    x = model.simulate(4, N=3, T=7, D=2)["x"]
    options: dict[str, Any] = {"objective": objective, "tol": 0.0, "covariance_floor": 1e-3}
    for max_iter in (1, 3):
        fit = inference.fit(model, x, "em", max_iter=max_iter, **options)
        more = inference.fit(model, x, "em", max_iter=1, start=fit.params, **options)
        total = sum(logsumexp(list_paths(fit.params, x_n, "regression_moves", fit.keywords)) for x_n in x)
        np.testing.assert_allclose(fit.log_likelihood().sum(), total, rtol=1e-10)
        np.testing.assert_allclose(fit.diagnostics["log_likelihood"], total, rtol=1e-10)
        assert more.trace[-1] >= more.trace[0] - 1e-9
        assert (np.diff(fit.trace) > -1e-9).all()


def test_the_step_of_the_transitions_is_a_multinomial_regression():
    rows = np.column_stack([np.ones(80), RNG.normal(size=(80, 2))])
    r = RNG.dirichlet(np.ones(3), 80) * RNG.random((80, 1))

    def loss(b: np.ndarray) -> float:
        return -float((r * log_softmax(rows @ b.reshape(3, 3), axis=1)).sum())

    best = minimize(loss, np.zeros(9), tol=1e-12)
    A = maximise_logits(rows, r, np.full((3, 3), 1 / 3))
    np.testing.assert_allclose(loss(np.log(A).ravel()), best.fun, rtol=1e-9)
    np.testing.assert_allclose(A.sum(1), 1.0)


@pytest.mark.parametrize("transitions", ["constant", "covariates"])
def test_forecasts_are_those_of_longer_sequences(transitions):
    x = sequences_with_gaps(transitions=transitions)
    fit = inference.fit(load(transitions=transitions), x, "em", objective="map", max_iter=20)
    w = RNG.normal(size=(3, 2, 2))
    forecast = sequences.forecast(fit, steps=2, covariates=w, num_draws=200)
    later = np.concatenate([np.full((3, 2, 1), np.nan), w], axis=2)
    longer = [np.concatenate([x[n, :length], later[n]]) for n, length in enumerate((20, 30, 30))]
    smoothed = sequences.smoothed(fit, longer)
    for n, length in enumerate((20, 30, 30)):
        np.testing.assert_allclose(forecast.states[n], smoothed[n, length : length + 2], atol=1e-12)
    u = np.concatenate([np.ones((3, 2, 1)), w - fit.keywords["covariate_mean"]], axis=2)
    mean = np.einsum("nhk,kq,nhq->nh", forecast.states, fit.params["beta"][:, 0], u)
    draws = forecast.draws["x"]
    assert (abs(draws[..., 0].mean(0) - mean) < 5 * draws[..., 0].std(0) / np.sqrt(200)).all()
    np.testing.assert_array_equal(draws[..., 1:], np.broadcast_to(w, (200, 3, 2, 2)))
    if transitions == "covariates":
        with pytest.raises(zoo.ZooError, match="change with time"):
            sequences.durations(fit, x[:, :2])
    else:
        np.testing.assert_allclose(sequences.durations(fit).expected, 1 / (1 - np.diag(fit.params["A"])))


def tables() -> list[pd.DataFrame]:
    rng = np.random.default_rng(1)
    return [
        pd.DataFrame({"time": range(n), "y": rng.normal(size=n), "a": rng.normal(size=n), "b": rng.random(n) > 0.5})
        for n in (20, 15)
    ]


def test_tables_with_times_are_matched_by_name(tmp_path: Path):
    columns = zoo.columns.read(tables()[0].drop(columns="time"), covariates=["a", "b"])
    model = load(columns=columns, transitions="covariates")
    fit = inference.fit(model, tables(), "em", objective="map", max_iter=3)
    arrays = [t[["y", "a", "b"]].to_numpy(float) for t in tables()]
    plain = inference.fit(load(transitions="covariates"), arrays, "em", objective="map", max_iter=3)
    np.testing.assert_array_equal(fit.params["beta"], plain.params["beta"])
    assert {"beta[0,y,mean]", "beta[1,y,b]", "A[a,0,1]"} <= set(fit.summary().index)
    reordered = [t[["b", "y", "time", "a"]] for t in tables()]
    np.testing.assert_array_equal(fit.log_likelihood(reordered), plain.log_likelihood())
    later = pd.DataFrame({"b": [True, False], "a": [0.5, -0.5]})
    fit.save(tmp_path / "fit")
    one, other = (sequences.forecast(f, steps=2, covariates=later) for f in (fit, inference.load(tmp_path / "fit")))
    np.testing.assert_array_equal(one.draws["x"], other.draws["x"])
    np.testing.assert_array_equal(one.draws["x"][0, 0, :, 1:], [[0.5, 1], [-0.5, 0]])


def test_the_columns_may_be_in_any_order():
    x = sequences_with_gaps()
    one = inference.fit(load(), x, "em", objective="map", max_iter=5)
    other = inference.fit(
        load(columns=("covariate", "covariate", 0)), x[..., [1, 2, 0]], "em", objective="map", max_iter=5
    )
    np.testing.assert_allclose(other.trace, one.trace, rtol=1e-12)
    np.testing.assert_allclose(other.params["beta"], one.params["beta"], rtol=1e-9)


def test_simulated_data_has_the_covariates_of_the_data():
    x = sequences_with_gaps()
    fit = inference.fit(load(), x, "em", objective="map", max_iter=5)
    check = inference.predictive_check(fit, draws=20)
    for statistic in ("mean[1]", "sd[2]", "max[2]"):
        assert (check.draws[statistic] == check.table.loc[statistic, "observed"]).all()
    assert check.draws["mean[0]"].std() > 0
    tables_of_fit = simulate_tables(fit, 3, seed=0)
    for table in tables_of_fit:
        np.testing.assert_array_equal(table["x"][..., 1:], x[..., 1:])
        assert (table["x"][0, :20, 0] != x[0, :20, 0]).all()


X = RNG.normal(size=(2, 12, 3))
WRONG: list[tuple[dict[str, Any], Any, str]] = [
    ({}, X[:, :1], "T=1: sequences of one step have no transition"),
    (
        {},
        np.where(np.arange(3) * (np.arange(12)[:, None] == 4) == 1, np.nan, X),
        "step 4 of sequence 0 has no value of",
    ),
    ({}, np.where(np.arange(3) == 1, 2.0, X), "column 1 of x is constant"),
    ({}, np.where(np.arange(3) == 0, np.nan, X), "column 0 of x is missing"),
    ({"columns": ("covariate",) * 3}, X, "all columns are covariates"),
    ({"columns": (0, "covariate")}, X, "columns has 2 entries but x has D=3 columns"),
    ({"columns": (0, 3, "covariate")}, np.abs(X) // 2, "columns has 0, 2 or "),
    ({"columns": (0, "counts", "covariate")}, X, 'columns has for each column 0 for a number, "count", "covariate"'),
    ({"transitions": "logit"}, X, "no transitions 'logit'; known: constant, covariates"),
    ({"stickiness": -1.0}, X, "stickiness is a number from 0 up"),
    ({}, [X[0], X[1, :, :2]], r"x\[1\] has the shape \(12, 2\) and x\[0\] \(12, 3\)"),
    ({"covariates": np.zeros((2, 12, 1))}, X, r"covariates has the covariates of each step of N=2 sequences, shape"),
]


@pytest.mark.parametrize(("settings", "x", "message"), WRONG, ids=[w[-1][:30] for w in WRONG])
def test_a_mistake_is_told_in_one_line(settings, x, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.fit(load(**settings), x, "em")
    assert "\n" not in str(caught.value)


def test_mistakes_of_forecasts_are_told_in_one_line():
    fit = inference.fit(load(), X, "em", objective="map", max_iter=2)
    for covariates, message in [
        (None, r"needs the covariates of the 2 later steps of N=2 sequences, an array \(2, 2, 2\)"),
        (np.zeros((2, 1, 2)), r"numbers of shape \(2, 2, 2\); given shape \(2, 1, 2\)"),
        (np.full((2, 2), np.nan), r"numbers of shape \(2, 2, 2\)"),
    ]:
        with pytest.raises(zoo.ZooError, match=message):
            sequences.forecast(fit, steps=2, covariates=covariates)
    plain = inference.fit(zoo.load("hidden_markov", "pyro", K=2), X, "em", objective="map", max_iter=2)
    with pytest.raises(zoo.ZooError, match="hidden_markov has no covariates"):
        sequences.forecast(plain, covariates=np.zeros((1, 1)))
