"""EM of hidden Markov models in closed form, against sums over all paths and the general M-step."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

import inference
import zoo
from inference.exact.markov import SequenceStates, smooth
from tests.paths import OTHER_MODELS, all_paths, list_paths, load, simulated

EMISSIONS = tuple(zoo.card("hidden_markov").variants["emission"])
WEIGHTS = np.array([1.0, 2.0, 0.5])


def hidden_markov(emission: str = "normal", **settings: Any) -> zoo.Model:
    return load(emission, **{"K": 2, **settings})


def fit_em(model: zoo.Model, x: Any, **options: Any) -> inference.Fit:
    given: dict[str, Any] = {"tol": 0.0, **options}
    return inference.fit(model, x, engine="em", **given)


def sum_over_paths(
    params: dict[str, np.ndarray], x: np.ndarray, emission: str, keywords: Mapping[str, Any]
) -> tuple[float, dict[str, np.ndarray]]:
    """The weighted log-likelihood of sequences, and parameters after one step of Baum-Welch: sums over all paths."""
    K, D = len(params["pi"]), x.shape[-1]
    logs = [list_paths(params, x_n, emission, keywords) for x_n in x]
    p = [w * np.exp(log - logsumexp(log)) for w, log in zip(WEIGHTS, logs, strict=True)]
    of_states = np.eye(K)[all_paths(x.shape[1], K)]
    first = np.sum([p_n @ of_states[:, 0] for p_n in p], axis=0)
    pairs = np.sum([np.einsum("p,ptj,ptk->jk", p_n, of_states[:, :-1], of_states[:, 1:]) for p_n in p], axis=0)
    r = np.concatenate([np.einsum("p,ptk->tk", p_n, of_states) for p_n in p])  # of each step
    if emission in OTHER_MODELS:
        log_likelihood = float(WEIGHTS @ [logsumexp(log) for log in logs])
        better = {"pi": first / first.sum(), "A": pairs / pairs.sum(1, keepdims=True)}
        of_model = least_squares if "W" in params else covariate_least_squares
        return log_likelihood, {**better, **of_model(r, x, params, keywords)}
    y = x.reshape(-1, D)
    n, mu = r.sum(0), np.einsum("sk,sd->kd", r, y) / r.sum(0)[:, None]
    better = {"pi": first / first.sum(), "A": pairs / pairs.sum(1, keepdims=True), "mu": mu}
    if emission == "categorical":
        better["mu"] = np.einsum("sk,sdv->kdv", r, np.eye(3)[y.astype(int)]) / n[:, None, None]
    difference = y[:, None] - mu
    scatter = np.einsum("sk,skd,ske->kde", r, difference, difference)
    match emission:
        case "normal":
            better["Lambda"] = n[:, None] / np.einsum("kdd->kd", scatter)
        case "full_normal":
            better["Lambda"] = np.linalg.inv(scatter / n[:, None, None])
        case "tied_normal":
            better["Lambda"] = np.linalg.inv(scatter.sum(0) / n.sum())
    return float(WEIGHTS @ [logsumexp(log) for log in logs]), better


def least_squares(
    r: np.ndarray, x: np.ndarray, params: dict[str, np.ndarray], keywords: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Weighted least squares of each state on complete sequences; r: (N T, K), what each step counts there."""
    (_, K), D, P = r.shape, x.shape[-1], params["W"].shape[1]
    lags = [np.roll(x, p, axis=1)[:, P:] for p in range(1, P + 1)]
    u = np.concatenate([np.ones((*lags[0].shape[:2], 1)), *lags], axis=-1).reshape(-1, 1 + P * D)
    y, r = x[:, P:].reshape(-1, D), r.reshape(*x.shape[:2], K)[:, P:].reshape(-1, K)
    mu, W, Sigma = np.empty((K, D)), np.empty((K, P, D, D)), np.empty((K, D, D))
    for k in range(K):
        root = np.sqrt(r[:, k, None])
        b = np.linalg.lstsq(root * u, root * y)[0]
        W[k] = [b[1 + p * D : 1 + (p + 1) * D].T for p in range(P)]
        mu[k] = b[0] + W[k].sum(0) @ keywords["loc"]
        Sigma[k] = (root * (y - u @ b)).T @ (root * (y - u @ b)) / r[:, k].sum()
    is_full = params["Lambda"].ndim == 3
    return {"mu": mu, "W": W, "Lambda": np.linalg.inv(Sigma) if is_full else 1 / np.einsum("kdd->kd", Sigma)}


def covariate_least_squares(
    r: np.ndarray, x: np.ndarray, params: dict[str, np.ndarray], keywords: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """The same of a switching regression with the responses in columns 0 and 2."""
    y, w = x[..., [0, 2]].reshape(-1, 2), x[..., [1, 3]].reshape(-1, 2) - keywords["covariate_mean"]
    u, beta, variance = np.column_stack([np.ones(len(w)), w]), [], []
    for weights in r.T:
        root = np.sqrt(weights)[:, None]
        b = np.linalg.lstsq(root * u, root * y)[0]
        beta.append(b.T)
        variance.append(weights @ (y - u @ b) ** 2 / weights.sum())
    return {"beta": np.array(beta), "Lambda": 1 / np.array(variance)}


# transitions that move with covariates have no closed form: tests/test_switching_regression.py
CLOSED_MODELS = [e for e in OTHER_MODELS if e != "regression_moves"]


@pytest.mark.parametrize("emission", [*EMISSIONS, *CLOSED_MODELS])
def test_each_iteration_is_a_step_of_baum_welch_over_all_paths(emission):
    model = hidden_markov(emission)
    seed, T = (9, 9) if emission in OTHER_MODELS else (4, 6)
    values = model.simulate(seed, N=3, T=T, D=len(model.settings.get("columns", (0, 0))))
    params = {n: values[n] for n in model.card.parameters(model.settings)}
    fit = fit_em(model, values["x"], start=params, sample_weight=WEIGHTS, max_iter=4)
    expected, last = [], params
    for _ in range(5):
        log_likelihood, better = sum_over_paths(params, values["x"], emission, fit.keywords)
        expected, last, params = [*expected, log_likelihood], params, better
    np.testing.assert_allclose(fit.trace, expected[: len(fit.trace)], rtol=0, atol=1e-8)
    assert len(fit.trace) > 2
    if len(fit.trace) == 5:
        for name, value in last.items():
            np.testing.assert_allclose(fit.params[name], value, rtol=1e-6, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("objective", ["ml", "map"])
@pytest.mark.parametrize("emission", [*EMISSIONS, *OTHER_MODELS])
def test_the_objective_climbs_where_values_are_missing(emission, objective):
    _, x = simulated(emission, 1, N=4, T=9, K=2)
    x[3] = np.nan  # a sequence without values adds nothing
    model = hidden_markov(emission, stickiness=2.0)
    fit = fit_em(model, x, objective=objective, max_iter=30, covariance_floor=1e-4)
    assert (np.diff(fit.trace) > -1e-9).all()
    without = fit_em(model, x[:3], objective=objective, max_iter=30, covariance_floor=1e-4)
    # few steps of a state nearly determine each other, and least squares enlarges rounding by their condition
    np.testing.assert_allclose(fit.trace, without.trace, rtol=1e-8 if model.card.regression else 1e-12)
    assert fit.diagnostics["start"] == ("clusterwise regression" if model.card.regression else "k-means++")
    # the log-likelihood of the closed form is that of the program
    np.testing.assert_allclose(fit.log_likelihood().sum(), fit.diagnostics["log_likelihood"], rtol=1e-10)


@pytest.mark.parametrize("emission", [pytest.param("full_normal", marks=pytest.mark.slow), "poisson"])
def test_the_mode_of_the_closed_form_is_that_of_the_general_m_step(emission):
    params, x = simulated(emission, 2, N=6, T=12, K=2)
    x[2, -1] = x[0, -1]  # the entropy of the general route counts the steps after the end of a sequence
    model, start = hidden_markov(emission, stickiness=1.0), {"start": params}
    options: dict[str, Any] = {"objective": "map", "tol": 1e-11, "max_iter": 300, **start}
    closed, general = fit_em(model, x, **options), fit_em(model, x, closed_form=False, **options)
    assert closed.trace[0] == pytest.approx(general.trace[0], rel=1e-12)
    assert closed.diagnostics["converged"]
    np.testing.assert_allclose(general.trace[-1], closed.trace[-1], atol=1e-6)
    for name, value in closed.params.items():
        np.testing.assert_allclose(general.params[name], value, rtol=1e-3, atol=1e-3, err_msg=name)
    np.testing.assert_allclose(general.diagnostics["icl"], closed.diagnostics["icl"], atol=1e-3)


@pytest.mark.parametrize("emission", OTHER_MODELS)
def test_the_general_m_step_does_not_leave_the_mode_of_the_closed_form(emission):
    _, x = simulated(emission, 4, N=6, T=12, K=2)
    options: dict[str, Any] = {"objective": "map", "max_iter": 2}
    model = hidden_markov(emission, stickiness=1.0)
    closed = fit_em(model, x, objective="map", tol=1e-12, max_iter=3000)
    general = fit_em(model, x, closed_form=False, start=closed.params, **options)
    assert closed.diagnostics["converged"]
    np.testing.assert_allclose(general.trace, closed.trace[-1], rtol=0, atol=1e-6)
    for name, value in closed.params.items():
        np.testing.assert_allclose(general.params[name], value, rtol=1e-3, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("emission", [*EMISSIONS, *OTHER_MODELS])
def test_states_in_another_order_change_no_number(emission):
    params, x = simulated(emission, 3)
    order = [2, 0, 1]
    permuted = {
        n: v if n == "Lambda" and emission == "tied_normal" else in_order(n, v, order) for n, v in params.items()
    }
    options: dict[str, Any] = {"objective": "map", "max_iter": 6}
    one, other = (fit_em(hidden_markov(emission, K=3), x, start=start, **options) for start in (params, permuted))
    np.testing.assert_allclose(other.trace, one.trace, rtol=1e-10)
    location = "mu" if "mu" in params else "beta"
    np.testing.assert_allclose(other.params[location], one.params[location][order], rtol=1e-6)
    np.testing.assert_allclose(other.params["A"], in_order("A", one.params["A"], order), rtol=1e-6, atol=1e-12)


def in_order(name: str, values: np.ndarray, order: list[int]) -> np.ndarray:
    """A parameter with its states in another order."""
    return values[..., order, :][..., order] if name == "A" else values[order]


def test_a_start_from_left_to_right_stays_one():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(m, 0.3, (20, 1)) for m in (0.0, 3.0, 6.0)])
    A = np.array([[0.9, 0.1, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0]])
    start = {"pi": [1.0, 0.0, 0.0], "A": A, "mu": [[0.0], [3.0], [6.0]]}
    fit = fit_em(hidden_markov(K=3), [x, x[5:]], start=start, max_iter=50)
    assert (fit.params["A"][A == 0] == 0).all()
    np.testing.assert_allclose(fit.params["A"][0], [1 - 2 / 35, 2 / 35, 0.0], atol=1e-9)
    np.testing.assert_allclose(fit.params["mu"][:, 0], [0, 3, 6], atol=0.3)


def test_sequences_have_the_posterior_of_each_alone():
    rng = np.random.default_rng(0)
    starts, weights, K = np.array([0, 1, 5, 300]), np.array([1.0, 0.3, 2.0]), 4
    log_states, transition = 30 * rng.normal(size=(300, K)), rng.dirichlet(np.full(K, 0.1), K)
    for has_zeros in (False, True):
        A = (
            np.where(np.eye(K, k=1) > 0, 0.0, np.maximum(transition, 1e-50))
            if has_zeros
            else np.maximum(transition, 1e-50)
        )
        with np.errstate(divide="ignore"):
            log_A = np.log(A / A.sum(1, keepdims=True))
        together = SequenceStates(starts, weights).smooth(log_states.copy(), log_A)
        pairs = np.zeros((K, K))
        for n, (first, end) in enumerate(pairwise(starts)):
            alone = smooth(log_states[first:end], log_A[None])
            np.testing.assert_allclose(together.log_sums[n], alone.log_sum, rtol=1e-12)
            np.testing.assert_allclose(together.marginals[first:end], weights[n] * alone.marginals, atol=1e-12)
            pairs += weights[n] * alone.pairs[0]
        np.testing.assert_allclose(together.pairs, pairs, atol=1e-11)


def test_a_state_that_collapses_is_named_and_a_floor_lets_it_be():
    x = np.random.default_rng(0).normal(size=(40, 2))
    x[7] = x[23] = 30.0  # two equal steps far from the rest
    with pytest.raises(zoo.ZooError, match=r"state \d collapsed to a point.*covariance_floor"):
        fit_em(hidden_markov(), x, max_iter=100)
    for emission in ("normal", "full_normal"):
        floored = fit_em(hidden_markov(emission), x, covariance_floor=1e-3, max_iter=100)
        narrow = int(floored.params["mu"][:, 0].argmax())
        P = floored.params["Lambda"][narrow]
        variance = 1 / P if P.ndim == 1 else np.diag(np.linalg.inv(P))
        np.testing.assert_allclose(variance / x.var(0), 1e-3, rtol=1e-6)
        assert (np.diff(floored.trace) > -1e-9).all()


def test_restarts_keep_the_best():
    _, x = simulated("normal", 5, N=4, T=20, K=3)
    fit = fit_em(hidden_markov(K=3), x, objective="map", restarts=3, max_iter=40)
    assert len(fit.diagnostics["restarts"]) == 3
    assert fit.trace[-1] == max(fit.diagnostics["restarts"])


ONE = np.random.default_rng(1).normal(size=(12, 1))
IMPOSSIBLE = {"mu": [[0.0], [0.0]]}
WRONG: list[tuple[dict[str, Any], Any, dict[str, Any], str]] = [
    ({}, np.zeros((5, 1, 2)), {}, "T=1: sequences of one step have no transition"),
    (
        {},
        ONE,
        {"start": {"A": [[0.5, 0.4], [0.5, 0.5]]}},
        "a value of A that is not numbers above zero that sum to one",
    ),
    ({}, np.full((2, 3, 1), np.nan), {}, "every value is missing"),
    ({}, np.zeros((0, 2)), {}, r"the data is empty \(shape \(0, 2\)\)"),
    ({}, [ONE, np.zeros((4, 2))], {}, r"x\[1\] has the shape \(4, 2\) and x\[0\] \(12, 1\)"),
    ({}, [ONE, np.zeros((0, 1))], {}, r"x\[1\] has no steps"),
    ({}, pd.DataFrame({"time": [1, 3, 2], "y": [0.1, 0.5, 0.9]}), {}, "the times are out of order in row 2, 2 after 3"),
    ({}, [pd.DataFrame({"time": [1, 1], "y": [0.1, 0.5]})], {}, r"x\[0\]: the times are out of order in row 1"),
    ({"emission": "bernoulli"}, ONE > 0, {"start": IMPOSSIBLE}, "of sequence 0 has probability 0 in every state"),
    (
        {"emission": "categorical"},
        np.array([0, 1, 3.0]),
        {},
        "x has a label 3, and its values are 0 to 2: recode it, or set V",
    ),
    ({"emission": "categorical"}, np.array([0, 1.5, 2.0]), {}, "each value must be a label from 0 up, and 1.5 is not"),
    ({"emission": "poisson"}, np.array([0, -1.0, 2.0]), {}, "-1 is not"),
    ({"stickiness": -1.0}, ONE, {}, "stickiness is a number from 0 up"),
    ({"concentration": 0.0}, ONE, {}, "concentration is a number above 0"),
]


@pytest.mark.parametrize(("settings", "x", "options", "message"), WRONG, ids=[w[-1][:40] for w in WRONG])
def test_a_mistake_is_told_in_one_line(settings, x, options, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        fit_em(hidden_markov(**settings), x, **options)
    assert "\n" not in str(caught.value)


def test_an_impossible_path_is_told():
    x = np.array([0.0, 1.0, 0.0, 1.0])
    start = {"pi": [1.0, 0.0], "A": np.eye(2), "mu": [[0.0], [1.0]]}
    with pytest.raises(zoo.ZooError, match="sequence 0 has probability 0: with the transitions of A no path"):
        fit_em(hidden_markov("bernoulli"), x, start=start)


def test_symbols_are_counted_where_v_is_not_set():
    model = zoo.load("hidden_markov", "pyro", K=2, emission="categorical")
    x = np.array([0, 1, 4, 4, 0, 2.0])
    assert fit_em(model, x, max_iter=2).params["mu"].shape == (2, 1, 5)
    with pytest.raises(zoo.ZooError, match="x has the symbol 900 and only 6 values: number the symbols from 0"):
        fit_em(model, np.where(x == 4, 900, x), max_iter=2)


def test_tables_with_times_are_sequences_with_named_columns():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame({"time": range(n), "a": rng.normal(size=n), "b": rng.normal(size=n)}) for n in (8, 5)]
    fit = fit_em(hidden_markov(), tables, objective="map", max_iter=3)
    plain = fit_em(hidden_markov(), [t[["a", "b"]].to_numpy() for t in tables], objective="map", max_iter=3)
    assert fit.columns == {"x": ("a", "b")}
    np.testing.assert_array_equal(fit.params["mu"], plain.params["mu"])
    # new tables are matched by the names of their columns
    swapped = [t[["b", "time", "a"]] for t in tables]
    np.testing.assert_array_equal(fit.log_likelihood(swapped), plain.log_likelihood())
