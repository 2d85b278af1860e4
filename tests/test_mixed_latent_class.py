"""Latent classes of mixed columns: EM against other models, explicit sums and direct maximisation of the likelihood."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm, poisson

import zoo
from inference import enumeration, fit
from inference.evaluation.selection.likelihood_ratio import simulate_tables
from tests.table import BACKENDS

NAN = np.nan
COLUMNS = (3, 0, "count", 2, "covariate", 0)
MEANS = {"loc": np.zeros(2), "scale": 3.0, "spread": 1.0, "covariate_mean": np.array([40.0]), "covariate_sd": 10.0}
RNG = np.random.default_rng(0)
N = 150
Z = RNG.integers(2, size=N)
AGE = 40 + 10 * RNG.normal(size=N) + 8 * Z
X = np.column_stack(
    [
        np.where(RNG.random(N) < 0.7, Z, 2),
        RNG.normal(2.0 * Z, 1.0),
        RNG.poisson(np.where(Z == 0, 2.0, 6.0)),
        RNG.random(N) < 0.3 + 0.4 * Z,
        AGE,
        RNG.normal(-Z, 2.0),
    ]
).astype(float)
X[RNG.random(X.shape) < 0.1] = NAN
X[:, 4] = AGE
BINARY = (RNG.random((N, 4)) < 0.25 + 0.5 * Z[:, None]).astype(float)
BINARY[RNG.random(BINARY.shape) < 0.1] = NAN


def load(backend: str = "pyro", K: int = 2, columns: Any = COLUMNS, **settings: Any) -> zoo.Model:
    return zoo.load("mixed_latent_class", backend, K=K, columns=columns, **settings)


def log_joint(x, params, columns, mean=0.0, sd=1.0):
    """log p(x_n, z_n = k) as the sum over the columns, (N, K)."""
    kinds = [k if isinstance(k, str) else "number" if k == 0 else "category" for k in columns]
    log_pi = np.log(params["pi"])
    covariates = [d for d, kind in enumerate(kinds) if kind == "covariate"]
    w = (x[:, covariates] - mean) / sd if covariates else np.zeros((len(x), 0))
    total = log_softmax(log_pi + w @ np.log(params.get("odds", np.ones((0, len(log_pi))))), axis=1)
    seen = {"number": 0, "count": 0}
    for d, kind in enumerate(kinds):
        column, observed = np.nan_to_num(x[:, d])[:, None], ~np.isnan(x[:, d])[:, None]
        if kind == "category":
            term = np.log(params[f"theta{d}"][:, column[:, 0].astype(int)]).T
        elif kind == "number":
            i, seen["number"] = seen["number"], seen["number"] + 1
            term = norm(params["mu"][:, i], params["Lambda"][:, i] ** -0.5).logpdf(column)
        elif kind == "count":
            i, seen["count"] = seen["count"], seen["count"] + 1
            term = poisson(params["rate"][:, i]).logpmf(column)
        else:
            continue
        total = total + np.where(observed, term, 0.0)
    return total


@pytest.fixture(scope="module")
def params():
    return {n: v for n, v in load(D=6, **MEANS).simulate(3, N=5).items() if n not in ("x", "z")}


@pytest.fixture(scope="module")
def fitted():
    return fit(load(), X, "em", tol=1e-11, restarts=2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_likelihood_is_a_sum_over_classes_and_a_product_over_columns(backend, params):
    model = load(backend, D=6, **MEANS, mean=4.0)
    joint = log_joint(X, params, COLUMNS, 40.0, 10.0)
    np.testing.assert_allclose(enumeration.log_marginal(model, params, X), logsumexp(joint, 1), rtol=1e-10)


def test_the_backends_agree_with_covariates():
    models = [load(backend, D=6, **MEANS, mean=4.0) for backend in BACKENDS]
    for model in models:
        values = model.simulate(1, N=20)
        np.testing.assert_allclose(*(m.log_joint(values, N=20) for m in models), rtol=1e-10)
        assert np.abs((values["x"][:, 4] - 40) / 10).max() < 5, "covariates are rows in their own units"
    given = np.linspace(20, 60, 20)[:, None]
    np.testing.assert_array_equal(models[0].simulate(1, N=20, covariates=given)["x"][:, [4]], given)


@pytest.mark.parametrize("backend", BACKENDS)
def test_binary_items_are_those_of_latent_class(backend):
    ours = fit(load(backend, columns=(2,) * 4), BINARY, "em", max_iter=30, tol=0.0)
    theirs = fit(zoo.load("latent_class", backend, K=2), BINARY, "em", max_iter=30, tol=0.0)
    steps = min(len(ours.trace), len(theirs.trace))  # at the maximum, rounding decides when EM ends
    np.testing.assert_allclose(ours.trace[:steps], theirs.trace[:steps], rtol=1e-9)
    for j in range(4):
        np.testing.assert_allclose(ours.params[f"theta{j}"][:, 1], theirs.params["theta"][:, j], rtol=1e-6)
    for name in ("parameters", "bic", "icl"):
        np.testing.assert_allclose(ours.diagnostics[name], theirs.diagnostics[name], rtol=1e-9)


@pytest.mark.parametrize("objective", ["ml", "map"])
def test_numbers_are_a_gaussian_mixture_with_diagonal_covariance(objective, old_faithful):
    options: dict[str, Any] = {"objective": objective, "max_iter": 20, "tol": 0.0}
    ours = fit(load(columns=None), old_faithful, "em", **options)
    theirs = fit(zoo.load("gaussian_mixture", "pyro", K=2, covariance="diag"), old_faithful, "em", **options)
    steps = min(len(ours.trace), len(theirs.trace))  # at the maximum, rounding decides when EM ends
    np.testing.assert_allclose(ours.trace[:steps], theirs.trace[:steps], rtol=1e-9)
    for name in ("pi", "mu", "Lambda"):
        np.testing.assert_allclose(ours.params[name], theirs.params[name], rtol=1e-8)
    assert ours.diagnostics["parameters"] == theirs.diagnostics["parameters"]
    counts = np.random.default_rng(0).poisson([3.0, 9.0] * 40).astype(float)
    one, other = (
        fit(model, x, "em", **options)
        for model, x in (
            (load(columns=("count",)), counts[:, None]),
            (zoo.load("poisson_mixture", "pyro", K=2), counts),
        )
    )
    np.testing.assert_allclose(one.trace[:8], other.trace[:8], rtol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_step_has_the_sums_of_its_definition(backend, params):
    """Levels, means, variances and rates by explicit sums; the coefficients of the covariate by Bohning's step."""
    model = load(backend, D=6, **MEANS, mean=4.0)
    step = fit(model, X, "em", start=params, max_iter=1, tol=0.0).params
    joint = log_joint(X, params, COLUMNS, 40.0, 10.0)
    r = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    for d in (0, 3):
        for k in range(2):
            observed = ~np.isnan(X[:, d])
            shares = [(r[observed, k] * (X[observed, d] == v)).sum() for v in range(int(COLUMNS[d]))]
            np.testing.assert_allclose(step[f"theta{d}"][k], shares / np.sum(shares), rtol=1e-7)
    for i, d in enumerate((1, 5)):
        w = r * ~np.isnan(X[:, [d]])
        mean = (w * np.nan_to_num(X[:, [d]])).sum(0) / w.sum(0)
        np.testing.assert_allclose(step["mu"][:, i], mean, rtol=1e-8)
        variance = np.nansum(w * (X[:, [d]] - mean) ** 2, axis=0) / w.sum(0)
        np.testing.assert_allclose(1 / step["Lambda"][:, i], variance, rtol=1e-8)
    w = r * ~np.isnan(X[:, [2]])
    np.testing.assert_allclose(step["rate"][:, 0], (w * np.nan_to_num(X[:, [2]])).sum(0) / w.sum(0), rtol=1e-8)
    predictors = np.column_stack([np.ones(N), (AGE - 40) / 10])
    b = np.log(np.stack([params["pi"], params["odds"][0]]))
    p = np.exp(log_softmax(predictors @ b, axis=1))
    expected = b + 2 * np.linalg.solve(predictors.T @ predictors, predictors.T @ (r - p))
    np.testing.assert_allclose(np.log([step["pi"], step["odds"][0]]), log_softmax(expected, axis=1), rtol=1e-7)


def test_with_covariates_the_maximum_is_that_of_the_likelihood():
    """The log-likelihood of four binary items and one covariate, maximised directly over all parameters."""
    x = np.column_stack([BINARY, AGE])
    ours = fit(load(columns=(2, 2, 2, 2, "covariate")), x, "em", tol=1e-12, max_iter=5000)
    assert ours.diagnostics["parameters"] == 1 + 1 + 2 * 4
    keywords = ours.keywords

    def negative(v):
        theta = 1 / (1 + np.exp(-v[2:].reshape(2, 4)))
        values = {"pi": np.exp(log_softmax([0.0, v[0]])), "odds": np.exp(log_softmax([0.0, v[1]]))[None]}
        values |= {f"theta{j}": np.stack([1 - theta[:, j], theta[:, j]], -1) for j in range(4)}
        columns = (2, 2, 2, 2, "covariate")
        return -logsumexp(log_joint(x, values, columns, keywords["covariate_mean"], keywords["covariate_sd"]), 1).sum()

    start = np.concatenate([[0.0, 0.0], np.repeat([-1.0, 1.0], 4)])
    direct = minimize(negative, start, method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(ours.trace[-1], -direct.fun, rtol=1e-8)
    order = np.argsort(ours.params["theta0"][:, 1])
    slope = np.diff(np.log(ours.params["odds"][0][order]))[0]
    np.testing.assert_allclose(slope, direct.x[1], rtol=2e-3)
    np.testing.assert_allclose(ours.log_likelihood().sum(), -direct.fun, rtol=1e-8)


def test_the_general_m_step_reaches_the_same_maximum(fitted):
    general = fit(load(), X, "em", closed_form=False, tol=1e-11, start=fitted.params)
    assert abs(general.trace[-1] - fitted.trace[-1]) / N < 1e-8
    assert (np.diff(fitted.trace) > -1e-9 * N).all()
    # pi, odds; theta of 3 and 2 levels; two means and variances; a rate
    assert fitted.diagnostics["parameters"] == 1 + 1 + 2 * (2 + 1) + 2 * (2 + 2) + 2


def test_weights_count_rows(fitted):
    start = {n: np.asarray(v) for n, v in fitted.params.items()}
    weights = np.where(np.arange(N) < 50, 2.0, 1.0)
    model = load(
        **{n: fitted.keywords[n] for n in ("loc", "scale", "spread", "mean", "covariate_mean", "covariate_sd")}
    )
    weighted = fit(model, X, "em", sample_weight=weights, start=start, max_iter=3, tol=0.0)
    doubled = fit(model, np.concatenate([X, X[:50]]), "em", start=start, max_iter=3, tol=0.0)
    np.testing.assert_allclose(weighted.trace, doubled.trace, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_numbers_and_covariates_make_no_difference(fitted, scale):
    units = np.array([1, scale, 1, 1, scale, scale])
    moved = fit(load(), X * units + np.array([0, 5 * scale, 0, 0, 0, 0]), "em", tol=1e-11, restarts=2)
    num_numbers = (~np.isnan(X[:, [1, 5]])).sum()
    np.testing.assert_allclose(moved.trace[-1], fitted.trace[-1] - num_numbers * np.log(scale), rtol=1e-7)
    np.testing.assert_allclose(moved.local()["z"], fitted.local()["z"], atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_large_counts_and_narrow_numbers_keep_their_digits(backend):
    rng = np.random.default_rng(1)
    z = np.arange(100) % 2
    x = np.column_stack([rng.poisson(1e6 * (1 + z)), 1e-5 * rng.normal(size=100) + 1e3 * z]).astype(float)
    best = fit(load(backend, columns=("count", 0)), x, "em")
    order = np.argsort(best.params["rate"][:, 0])
    groups = [x[z == k] for k in range(2)]
    np.testing.assert_allclose(best.params["rate"][order, 0], [g[:, 0].mean() for g in groups], rtol=1e-10)
    np.testing.assert_allclose(best.params["Lambda"][order, 0], [1 / g[:, 1].var() for g in groups], rtol=1e-3)
    np.testing.assert_allclose(best.trace[-1], best.log_likelihood().sum(), rtol=1e-9)


def test_a_class_that_collapses_is_named():
    x = np.column_stack([np.r_[RNG.normal(size=40), np.full(3, 50.0)], np.r_[np.zeros(40), np.ones(3)]])
    with pytest.raises(zoo.ZooError, match=r"component \d collapsed"):
        fit(load(columns=(0, 2)), x, "em")
    assert fit(load(columns=(0, 2)), x, "em", objective="map").diagnostics["converged"]


def test_simulated_rows_have_the_covariates_of_the_data_in_the_bootstrap_test(fitted):
    (table,) = simulate_tables(fitted, 1, seed=2)
    np.testing.assert_array_equal(table["x"][:, 4], AGE)
    assert (np.isnan(table["x"]) == np.isnan(X)).all()
    rows = fitted.simulate(400, seed=1)
    assert rows["x"].shape == (400, 6)
    assert set(np.unique(rows["x"][:, 0])) <= {0.0, 1.0, 2.0}
    np.testing.assert_allclose(rows["x"][:, 4].mean(), AGE.mean(), atol=4 * AGE.std() / 20)


@pytest.mark.parametrize(
    ("columns", "x", "line"),
    [
        ((3, 0), np.zeros((4, 3)), "columns has 2 entries but x has D=3"),
        ("3,counts", np.zeros((4, 2)), "from 2 up; given (3, 'counts')"),
        (3, np.zeros((4, 1)), "from 2 up; given 3"),
        ((3, 0, "counts"), np.zeros((4, 3)), 'for a number, "count", "covariate", or the number of levels, from 2 up'),
        (("covariate",), np.arange(4.0)[:, None], "all columns are covariates"),
        ((2, "covariate"), np.array([[0, NAN], [1, 1.0]]), "row 0 has no value of the covariate 1 of x"),
        (("count",), np.array([[1.5], [2.0]]), "column 0 of x has counts, whole numbers from 0 up: 1.5 is none"),
        ((2, 2), np.array([[0.0, 1], [1, 2]]), "column 1 of x has levels 0 to 1: 2 is none"),
        ((2, 0), np.array([[0.0, 3], [1, 3]]), "column 1 of x is constant"),
        ((2, "covariate"), np.array([[0.0, 3], [1, 3]]), "column 1 of x is constant"),
        ((2, 2), np.array([[0.0, NAN], [1, NAN]]), "column 1 of x is missing throughout"),
    ],
)
def test_bad_columns_raise_one_line(columns, x, line):
    with pytest.raises(zoo.ZooError) as caught:
        fit(load(columns=columns), x, "em")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_new_rows_are_checked_too(fitted):
    new = X[:3].copy()
    new[1, 0] = 7
    with pytest.raises(zoo.ZooError, match="column 0 of x has levels 0 to 2: 7 is none"):
        fitted.log_likelihood(new)
    with pytest.raises(zoo.ZooError, match=r"shape \(10, 1\); given \(3, 1\)"):
        fitted.simulate(10, covariates=np.zeros((3, 1)))
