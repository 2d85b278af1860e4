"""Switching regressions of responses that are 0 or 1, and of counts: against statsmodels, and sums over paths."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, gammaln, logsumexp

import inference
import zoo
from inference import sequences
from tests.paths import all_paths
from tests.table import SLOW_IN_NUMPYRO

NAME = "switching_regression"
COLUMNS = ("count", "covariate", 2, 0, "covariate")  # of beta the third column comes first, then the second, the first


def rows(N=3, T=40, seed=0):
    """Sequences of COLUMNS under two states, one of which ends early, and one with a gap."""
    truth = {
        "pi": np.array([0.5, 0.5]),
        "A": np.array([[0.9, 0.1], [0.2, 0.8]]),
        "beta": np.array([[[0, 1, 0], [1, 1, 0], [1, 0.5, 0]], [[0, -1, 0], [-1, 0, 1], [0, 0, 0.5]]], float),
        "Lambda": np.array([[4.0], [4.0]]),
    }
    x = zoo.load(NAME, "pyro", columns=COLUMNS, K=2).simulate(seed, truth, N=N, T=T, D=5)["x"]
    x[0, 30:], x[1, 4, [0, 2]] = np.nan, np.nan
    return x


@pytest.mark.parametrize("kind", [2, "count"])
def test_one_state_is_a_generalised_linear_model(kind):
    families = pytest.importorskip("statsmodels.genmod.families")
    glm = pytest.importorskip("statsmodels.genmod.generalized_linear_model").GLM
    x = rows()[..., [0 if kind == "count" else 2, 1, 4]]
    fit = inference.fit(zoo.load(NAME, "pyro", K=1, columns=(kind, "covariate", "covariate")), x, "em", tol=1e-12)
    flat = x.reshape(-1, 3)
    flat = flat[~np.isnan(flat[:, 0])]
    u = np.column_stack([np.ones(len(flat)), flat[:, 1:] - fit.keywords["covariate_mean"]])
    peer = glm(flat[:, 0], u, families.Poisson() if kind == "count" else families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(fit.params["beta"][0, 0], peer.params, rtol=1e-6)
    np.testing.assert_allclose(fit.trace[-1], peer.llf, rtol=1e-10)
    assert "Lambda" not in fit.params


def log_density(params, keywords, x):
    """log p of each step in each state, (T, K), by the formulas."""
    u = np.concatenate([np.ones((len(x), 1)), x[:, [1, 4]] - keywords["covariate_mean"]], 1)
    number, odds, rate = np.moveaxis(np.einsum("kcq,tq->tkc", params["beta"], u), -1, 0)
    y, bit, count = x[:, [3]], x[:, [2]], x[:, [0]]
    precision = params["Lambda"][:, 0]
    logs = [0.5 * np.log(precision / (2 * np.pi)) - 0.5 * precision * (y - number) ** 2]
    logs += [np.log(np.where(bit == 1, expit(odds), expit(-odds))), count * rate - np.exp(rate) - gammaln(count + 1)]
    parts = [np.where(np.isnan(v), 0.0, log) for v, log in zip((y, bit, count), logs, strict=True)]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_the_likelihood_is_the_sum_over_all_paths(backend):
    x = rows(T=30)[:, :6]
    fit = inference.fit(zoo.load(NAME, backend, K=2, columns=COLUMNS), x, "em", objective="map", max_iter=2)
    for n, sequence in enumerate(x):
        logs, p = log_density(fit.params, fit.keywords, sequence), fit.params
        total = [
            np.log(p["pi"][z[0]]) + np.log(p["A"][z[:-1], z[1:]]).sum() + logs[np.arange(len(z)), z].sum()
            for z in all_paths(6, 2)
        ]
        np.testing.assert_allclose(fit.log_likelihood()[n], logsumexp(total), rtol=1e-10)


@pytest.mark.parametrize("objective", ["ml", "map"])
def test_em_reaches_the_maximum_of_a_general_step(objective):
    x, model = rows(), zoo.load(NAME, "pyro", K=2, columns=COLUMNS)
    options: dict[str, Any] = {"objective": objective, "tol": 1e-10}
    closed = inference.fit(model, x, "em", **options)
    assert (np.diff(closed.trace) > -1e-8).all()
    general = inference.fit(model, x, "em", closed_form=False, start=closed.params, max_iter=5, objective=objective)
    np.testing.assert_allclose(general.trace[-1], closed.trace[-1], atol=1e-5)


def test_questions_to_sequences_and_tables_with_names():
    x = rows()
    table = [pd.DataFrame(s, columns=list("abcde")).assign(c=lambda t: t.c == 1) for s in x[1:]]
    table = [t.assign(a=t.a.fillna(2)) for t in table]
    columns = zoo.columns.read(table[0], counts=["a"], covariates=["b", "e"])
    model = zoo.load(NAME, "pyro", K=2, columns=columns)
    fit = inference.fit(model, table, "em", objective="map", max_iter=5)
    assert {"beta[0,d,mean]", "beta[1,c,b]", "beta[0,a,e]", "Sigma[0,d]"} <= set(fit.summary().index)
    later = sequences.forecast(fit, steps=2, covariates=np.zeros((2, 2)), num_draws=300)
    draws = later.draws["x"]
    assert set(np.unique(draws[..., 2])) <= {0.0, 1.0}
    assert (draws[..., 0] == np.round(draws[..., 0])).all()
    assert sequences.smoothed(fit).shape == (2, 40, 2)
    assert np.isfinite(inference.predictive_check(fit, draws=20).table["observed"]).all()


def test_separable_responses_and_zero_counts_end():
    x = rows(N=2, T=20)
    x[..., 2], x[..., 0] = x[..., 1] > 0, 0.0
    x[0, 0, 0] = 1.0  # a column without variance is refused
    fit = inference.fit(zoo.load(NAME, "pyro", K=2, columns=COLUMNS), x, "em", max_iter=60, covariance_floor=1e-3)
    assert np.isfinite(fit.trace).all()
    assert (np.diff(fit.trace) > -1e-8).all()


X = np.abs(np.random.default_rng(1).normal(size=(2, 12, 3)))
WRONG: list[tuple[tuple, np.ndarray, str]] = [
    ((2, "covariate", 0), X, "column 0 of x has levels 0 to 1"),
    (("count", "covariate", 0), X, "column 0 of x has counts"),
    ((3, "covariate", 0), np.minimum(X.round(), 2), "get_dummies"),
    ((2, "covariate", 0), np.where(np.arange(3) == 0, 1.0, X), "column 0 of x is constant"),
]


@pytest.mark.parametrize(("columns", "x", "message"), WRONG)
def test_responses_that_a_column_cannot_have_are_refused(columns, x, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.fit(zoo.load(NAME, "pyro", K=2, columns=columns), x, "em")
    assert "\n" not in str(caught.value)
