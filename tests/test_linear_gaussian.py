"""Closed-form EM for linear-Gaussian models: against the general engine, eigenvectors, limits, and awkward data."""

import functools
from typing import Any

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

import zoo
from inference import fit
from inference.engines.em.linear_gaussian import algorithm
from inference.engines.em.linear_gaussian.moments import moments_about
from inference.engines.em.linear_gaussian.statistics import row_statistics
from inference.engines.em.probabilistic_pca import maximum_likelihood
from inference.exact.gaussian.rows import IncompleteRows
from tests.table import BACKENDS, CASES, EXACT, load_or_skip, required_sizes
from zoo import datasets

LINEAR = [(name, settings) for name, settings in CASES if name in EXACT and zoo.card(name).linear]
IDS = ["-".join([name, *settings.values()]) for name, settings in LINEAR]
NAMES = list(dict.fromkeys(name for name, _ in LINEAR))
OBJECTIVES = [(n, s, o) for n, s in LINEAR for o in ("ml", "map") if o == "map" or not zoo.card(n).hyper]
EACH = pytest.mark.parametrize(
    ("name", "settings", "objective"), OBJECTIVES, ids=["-".join([n, *s.values(), o]) for n, s, o in OBJECTIVES]
)


def model_of(name, backend="pyro", **settings):
    return zoo.load(name, backend, **{**required_sizes(name), **settings})


@functools.cache
def small_data(name, missing=0.15, N=120):
    """Rows (N, 6) with missing values, about another plane for each component, on which EM converges in few steps."""
    K, Z = required_sizes(name).get("K", 1), required_sizes(name)["Z"]
    groups = [factors(N // K, 6, Z, noise=0.7, seed=k)[0] + 9 * k for k in range(K)]
    return with_missing(np.concatenate(groups), missing)


def with_missing(x, missing, seed=0):
    return np.where(np.random.default_rng(seed + 99).random(x.shape) < missing, np.nan, x)


def factors(N, D, Z, noise=0.5, seed=0):
    """Rows of a known plane: x (N, D), W (D, Z), mu (D,)."""
    rng = np.random.default_rng(seed)
    W, mu = rng.normal(size=(D, Z)), 3 * rng.normal(size=D)
    return rng.normal(size=(N, Z)) @ W.T + mu + noise * rng.normal(size=(N, D)), W, mu


def white_rows(N, D):
    """Rows whose mean is 0 and whose covariance is I, exactly."""
    x = np.random.default_rng(0).normal(size=(N, D))
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / N)).T


def in_plane(x, W, mu, sigma2):
    """The log-likelihood per row of probabilistic PCA in nats, by the whole covariance."""
    C = W @ W.T + sigma2 * np.eye(len(W))
    rest = x - mu
    quadratic = np.einsum("nd,nd->n", rest, np.linalg.solve(C, rest.T).T)
    return -0.5 * (quadratic.mean() + np.linalg.slogdet(2 * np.pi * C)[1])


# --- the same result in other ways


@EACH
def test_the_general_engine_reaches_the_same_objective_with_missing_values(name, settings, objective):
    x = small_data(name)
    model = model_of(name, **settings)
    closed = fit(model, x, "em", objective=objective, tol=1e-12, max_iter=3000)
    assert closed.diagnostics["converged"]
    start = {**closed.params, "W": 0.98 * closed.params["W"]}  # near the maximum, as its steps take a second
    general = fit(model, x, "em", objective=objective, start=start, tol=1e-8, max_iter=50, closed_form=False)
    again = fit(model, x, "em", objective=objective, start=start, max_iter=1)
    assert abs(again.trace[0] - general.trace[0]) < 1e-9 * abs(closed.trace[0]), "not the same objective"
    assert (closed.trace[-1] - general.trace[0]) / len(x) > 1e-5, "the start is at the maximum already"
    assert abs(closed.trace[-1] - general.trace[-1]) / len(x) < 1e-6
    assert (np.diff(closed.trace) > -1e-10 * abs(closed.trace[-1])).all()
    assert abs(closed.log_likelihood().sum() - closed.diagnostics["log_likelihood"]) < 1e-8 * abs(closed.trace[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_backends_give_equal_bits(name):
    x = small_data(name)
    one, other = (fit(model_of(name, b), x, "em", objective="map") for b in BACKENDS)
    np.testing.assert_array_equal(one.trace, other.trace)
    for site, value in one.params.items():
        np.testing.assert_array_equal(value, other.params[site])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", ["nothing", "few patterns", "many patterns"])
def test_moments_and_rows_give_the_same_statistics(missing, weighted):
    rng = np.random.default_rng(0)
    x, W, mu = factors(9000, 8, 3)  # more than one block of rows
    if missing != "nothing":
        patterns = rng.random((3 if missing == "few patterns" else len(x), 8)) < 0.2
        x[patterns[rng.integers(len(patterns), size=len(x))]] = np.nan
    weights = rng.gamma(2.0, size=len(x)) if weighted else np.ones(len(x))
    x, mu, Psi = (x - mu) / 2, 0.1 * mu, rng.gamma(2.0, size=8)
    moments = moments_about(np.full(8, 0.3), x, weights if weighted else None)
    assert moments is not None
    one = moments.standardised(np.zeros(8), np.ones(8)).statistics(W, mu, Psi)
    rows = IncompleteRows(x)
    assert (len(rows.patterns) > 64) == (missing == "many patterns")
    other = row_statistics(rows, rows.posterior(W, mu, Psi), weights, W, mu)
    for field, value in one._asdict().items():  # sums of 9000 numbers near 1
        np.testing.assert_allclose(value, getattr(other, field), rtol=1e-9, atol=1e-8, err_msg=field)


def test_a_noise_of_1e_12_costs_neither_the_density_nor_the_residuals_their_digits():
    """One factor and two columns, where all is known in closed form without a difference of large numbers."""
    rng = np.random.default_rng(0)
    w, psi = np.array([0.8, -1.3]), 1e-12
    z = rng.normal(size=50)
    x = z[:, None] * w + np.sqrt(psi) * rng.normal(size=(50, 2))
    determinant = psi * (w @ w) + psi**2
    across = w[1] * x[:, 0] - w[0] * x[:, 1]
    square = (across**2 + psi * (x**2).sum(1)) / determinant
    exact = -0.5 * (square + np.log(determinant)) - np.log(2 * np.pi)
    parameters = w[:, None], np.zeros(2), np.full(2, psi)
    rows = IncompleteRows(x)
    posterior = rows.posterior(*parameters)
    np.testing.assert_allclose(posterior.log_density, exact, rtol=1e-8)
    variance = psi / (w @ w + psi)  # of z given a row, and the part of a row along w that is left
    residual = (np.outer(across, [w[1], -w[0]]) + variance * np.outer(x @ w, w)) / (w @ w)
    expected = (residual**2).sum(0) + 50 * variance * w**2
    moments = moments_about(np.zeros(2), x)
    assert moments is not None
    one = moments.standardised(np.zeros(2), np.ones(2)).statistics(*parameters)
    other = row_statistics(rows, posterior, np.ones(50), *parameters[:2])
    np.testing.assert_allclose(other.square, expected, rtol=1e-8)
    assert other.log_likelihood == pytest.approx(exact.sum(), rel=1e-8)
    rounding = np.finfo(float).eps * (x**2).sum()  # of the sums of squares that moments keep
    np.testing.assert_allclose(one.square, expected, atol=rounding)
    assert one.log_likelihood == pytest.approx(exact.sum(), abs=rounding / psi)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["factor_analysis", "mixture_of_factor_analysers"])
def test_the_likelihood_does_not_fall_at_a_low_floor(name, weighted):
    """Few rows in a plane, some of them nearly complete, up to where the noise is at its floor."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = with_missing(rng.normal(size=(6 + seed % 5, 4)), 0.2)
        sizes: dict[str, Any] = {"Z": 2 + seed % 2} | ({"K": 2} if "mixture" in name else {})
        model = zoo.load(name, **sizes)
        weights = rng.choice([1e-8, 0.3, 1.0, 1e8], size=len(x)) if weighted else None
        floor = (1e-12, 1e-9)[seed % 2]
        fitted = fit(model, x, "em", max_iter=60, tol=0.0, covariance_floor=floor, sample_weight=weights)
        assert (np.diff(fitted.trace) >= -1e-12 * np.abs(fitted.trace).max()).all()


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("name", [n for n in NAMES if "K" not in zoo.card(n).sizes])
def test_em_from_rows_equals_em_from_moments(name, missing, monkeypatch):
    x = with_missing(factors(600, 4, 1)[0], missing)  # 16 patterns, which are few of 600 rows
    start = {n: 1.1 * v for n, v in fit(model_of(name), x, "em", max_iter=1).params.items()}  # not the maximum itself
    one = fit(model_of(name), x, "em", max_iter=20, tol=0.0, start=start)
    monkeypatch.setattr(algorithm, "compute_moments", lambda *_: None)
    monkeypatch.setattr(algorithm, "moments_about", lambda *given: None)
    other = fit(model_of(name), x, "em", max_iter=20, tol=0.0, start=start)
    steps = min(len(one.trace), len(other.trace))
    np.testing.assert_allclose(one.trace[:steps], other.trace[:steps], rtol=1e-9)
    assert steps > 3


@pytest.mark.parametrize("name", NAMES)
def test_weight_two_equals_a_repeated_row_with_missing_values(name):
    x = small_data(name, N=60)
    model = model_of(name)
    model = model.with_settings(**{k: v for k, v in model.bind(x)[1].items() if len(k) > 1})  # one prior
    start = fit(model, x, "em", objective="map", max_iter=1, tol=0.0).params
    options = {"start": start, "objective": "map", "tol": 1e-13, "max_iter": 5000}
    weights = np.where(np.arange(60) < 13, 2.0, 1.0)
    weighted = fit(model, x, "em", sample_weight=weights, **options)
    doubled = fit(model, np.concatenate([x, x[:13]]), "em", **options)
    # later extrapolations are in units of the rows, which are not weighted: only the maximum is the same again
    np.testing.assert_allclose(weighted.trace[:2], doubled.trace[:2], rtol=1e-11)
    assert abs(weighted.trace[-1] - doubled.trace[-1]) / 73 < 1e-9
    never = fit(model, np.concatenate([x, x[:13]]), "em", sample_weight=np.r_[weights, np.zeros(13)], **options)
    assert abs(never.trace[-1] - weighted.trace[-1]) / 73 < 1e-9


@pytest.mark.parametrize("objective", ["ml", "map"])
def test_a_mixture_of_one_is_factor_analysis(objective):
    x = small_data("factor_analysis")
    one = fit(zoo.load("factor_analysis", "pyro", Z=2), x, "em", objective=objective, tol=1e-12)
    other = fit(zoo.load("mixture_of_factor_analysers", "pyro", Z=2, K=1), x, "em", objective=objective, tol=1e-12)
    assert abs(one.trace[-1] - other.trace[-1]) / len(x) < 1e-9
    np.testing.assert_allclose(one.log_likelihood(), other.log_likelihood(), atol=1e-5)
    assert one.diagnostics["parameters"] == other.diagnostics["parameters"]


def test_a_mixture_without_factors_is_the_diagonal_gaussian_mixture():
    x = datasets.observed("iris").to_numpy(float)
    diagonal = zoo.load("gaussian_mixture", "pyro", K=3, covariance="diag")
    start = fit(diagonal, x, "em", max_iter=1, tol=0.0).params
    one = fit(diagonal, x, "em", start=start, tol=1e-12, max_iter=5000)
    start = {"pi": start["pi"], "mu": start["mu"], "Psi": 1 / start["Lambda"], "W": np.zeros((3, 4, 0))}
    empty = zoo.load("mixture_of_factor_analysers", "pyro", K=3, Z=0)
    other = fit(empty, x, "em", start=start, tol=1e-12, max_iter=5000)
    assert abs(one.trace[0] - other.trace[0]) < 1e-9, "not from the same start"
    assert abs(one.trace[-1] - other.trace[-1]) / len(x) < 1e-9
    assert one.diagnostics["parameters"] == other.diagnostics["parameters"]


# --- PCA


@pytest.mark.parametrize("data", ["wine", "simulated"])
def test_em_reaches_the_eigenvectors_from_anywhere(data):
    x = datasets.observed("wine").to_numpy(float) if data == "wine" else factors(400, 10, 3)[0]
    x = (x - x.mean(0)) / x.std(0)
    D, Z, rng = x.shape[1], 3, np.random.default_rng(0)
    W, sigma2 = maximum_likelihood(np.cov(x.T, bias=True), Z)
    top = in_plane(x, W, x.mean(0), sigma2)
    start = {"W": rng.normal(size=(D, Z)), "mu": rng.normal(size=D), "sigma2": np.array(3.0)}
    fitted = fit(zoo.load("probabilistic_pca", "pyro", Z=Z), x, "em", start=start, tol=1e-13, max_iter=5000)
    assert fitted.trace[0] / len(x) < top - 1, "the start is at the maximum already"
    assert abs(fitted.trace[-1] / len(x) - top) < 1e-9
    # where the objective is flat to 1e-9, parameters may differ by the root of that
    np.testing.assert_allclose(fitted.params["W"] @ fitted.params["W"].T, W @ W.T, atol=1e-3)
    quick = fit(zoo.load("probabilistic_pca", "pyro", Z=Z), x, "em")
    assert abs(quick.trace[-1] / len(x) - top) < 1e-9


def test_pca_is_the_limit_of_little_noise():
    """The plane is that of PCA at any noise; E[z] is PCA's scores, each shrunk by (1 - sigma2 / lambda)^1/2 of its
    standard deviation, and its reconstruction of the data tends to PCA's projection as sigma2 does to 0.
    """
    D, Z, N, rng = 8, 3, 300, np.random.default_rng(0)
    plane, eps = rng.normal(size=(N, Z)) @ rng.normal(size=(Z, D)), rng.normal(size=(N, D))
    start = {"W": rng.normal(size=(D, Z)), "mu": np.zeros(D), "sigma2": np.array(1.0)}
    errors = []
    for noise in (1e-1, 1e-2, 1e-3, 1e-4):
        x = plane + noise * eps
        options = {"start": start, "tol": 0.0, "max_iter": 400, "covariance_floor": 1e-14}
        fitted = fit(zoo.load("probabilistic_pca", "pyro", Z=Z), x, "em", **options)
        W, mu, sigma2 = (fitted.params[n] for n in ("W", "mu", "sigma2"))
        pca = PCA(Z).fit(x)
        assert subspace_angles(W, pca.components_.T).max() < 1e-6
        z = IncompleteRows(x).posterior(W, mu, np.full(D, sigma2)).mean
        variance = pca.explained_variance_ * (N - 1) / N
        scores = pca.transform(x) / np.sqrt(variance) * np.sqrt(1 - sigma2 / variance)
        turn = np.linalg.svd(z.T @ scores)  # the one freedom there is: a rotation
        np.testing.assert_allclose(z @ turn.U @ turn.Vh, scores, atol=1e-4)
        reconstruction = z @ W.T + mu
        errors.append(np.abs(reconstruction - pca.inverse_transform(pca.transform(x))).max())
        np.testing.assert_allclose(sigma2, pca.noise_variance_ * (N - 1) / N, rtol=1e-4)
    rates = np.array(errors[:-1]) / errors[1:]
    assert (abs(np.log10(rates) - 2) < 0.1).all(), "sigma2 falls a hundredfold each time, and so does the error"


def test_superfluous_columns_of_W_shrink_to_zero():
    for missing in (0.0, 0.1):
        x = with_missing(factors(300, 8, 2, seed=1)[0], missing)
        fitted = fit(zoo.load("bayesian_pca", "pyro", Z=5), x, "em")
        length = np.sort(np.sqrt((fitted.params["W"] ** 2).sum(0)))
        assert (length[:3] < 1e-2 * length[3]).all()
        # a direction of N = 300 and 8 columns is shrunk by less than a tenth, and turned by the noise of its estimate
        assert length[3] > 1.0
        assert abs(fitted.params["sigma2"] / 0.25 - 1) < 5 * np.sqrt(2 / (300 * 6 * (1 - missing)))


# --- missing values


def test_a_fifth_missing_is_fitted_jointly():
    """5000 rows of 50 columns and 5 dimensions: the mean is part of the maximum; another EM, written here, which
    fixes it at the mean of the observed values, ends lower.
    """
    rng = np.random.default_rng(1)
    x, _, _ = factors(5000, 50, 5, noise=0.7, seed=1)
    x[rng.random(x.shape) < 0.2] = np.nan
    model = zoo.load("probabilistic_pca", "pyro", Z=5)
    quick, long = fit(model, x, "em"), fit(model, x, "em", tol=1e-13)
    assert long.diagnostics["converged"]
    assert 0 <= (long.trace[-1] - quick.trace[-1]) / len(x) < 1e-3
    frozen = frozen_mean(x, long.params["W"] + 0.1 * rng.normal(size=(50, 5)), 1.0, steps=60)
    assert frozen[-1] - frozen[-2] < 0.05, "it has not converged"
    assert quick.trace[-1] - frozen[-1] > 20


def frozen_mean(x, W, sigma2, steps):
    """The log-likelihoods of probabilistic PCA by EM over W and sigma2, mu fixed at the mean of the observed values."""
    seen = ~np.isnan(x)
    rest = np.where(seen, x - np.nanmean(x, axis=0), 0.0)
    (N, D), Z, trace = x.shape, W.shape[1], []
    for _ in range(steps):
        M = np.eye(Z) + (seen @ (W[:, :, None] * W[:, None, :]).reshape(D, -1)).reshape(N, Z, Z) / sigma2
        V = np.linalg.inv(M)
        m = np.einsum("nij,nj->ni", V, rest @ W) / sigma2
        log_det = np.linalg.slogdet(M)[1].sum() + seen.sum() * np.log(2 * np.pi * sigma2)
        trace.append(-0.5 * ((rest**2).sum() / sigma2 - np.einsum("ni,nij,nj->", m, M, m) + log_det))
        T = (seen.T @ (V + m[:, :, None] * m[:, None, :]).reshape(N, -1)).reshape(D, Z, Z)
        cross = rest.T @ m
        W = np.linalg.solve(T, cross[:, :, None])[:, :, 0]
        sigma2 = ((rest**2).sum() - (W * cross).sum()) / seen.sum()
    return trace


def test_the_personality_items_are_fitted_with_their_missing_values():
    items = load_or_skip("bfi").to_numpy(float)
    table = datasets.load("bfi")
    assert items.shape == (2800, 25)
    missing = np.isnan(items)
    assert (missing.sum(), table.isna().to_numpy().sum()) == (508, 731)  # with gender, age and education 731
    fitted = fit(zoo.load("factor_analysis", "pyro", Z=5), items, "em")
    assert fitted.diagnostics["converged"]
    assert fitted.diagnostics["heywood"] == []
    by_row = fitted.log_likelihood()
    assert abs(by_row.sum() - fitted.trace[-1]) < 1e-6 * abs(fitted.trace[-1])
    complete = items[~missing.any(1)]
    assert len(complete) == 2436
    # incomplete rows are informative: the fit to the others is lower on all of them, and higher on its own
    fewer = fit(zoo.load("factor_analysis", "pyro", Z=5), complete, "em")
    assert fewer.log_likelihood(items).sum() < fitted.trace[-1]
    assert fewer.trace[-1] > fitted.log_likelihood(complete).sum()


def test_a_row_without_values_changes_nothing():
    x = small_data("factor_analysis")
    empty = np.vstack([x, np.full((2, x.shape[1]), np.nan)])
    for name in NAMES:
        model = model_of(name)
        model = model.with_settings(**{k: v for k, v in model.bind(x)[1].items() if len(k) > 1})
        one, other = (fit(model, of, "em", objective="map", tol=1e-12) for of in (x, empty))
        if "K" not in model.card.sizes:  # of a mixture the weights would move
            assert abs(one.trace[-1] - other.trace[-1]) < 1e-8
        assert abs(other.log_likelihood()[-2:]).max() < 1e-12
        assert np.isfinite(other.trace).all()


# --- units


@EACH
def test_offsets_and_units_change_the_objective_by_their_jacobian_alone(name, settings, objective):
    unit, offset = 1e6, 1e8
    x = (small_data(name) + offset) - offset  # rounded, so that the offset itself loses no digits
    model = model_of(name, **settings)
    options = {"objective": objective, "max_iter": 30, "tol": 0.0}
    one, moved, stretched = (fit(model, of, "em", **options) for of in (x, x + offset, x * unit))
    # a mean of 1e8 is known to 1e-8, of columns with a spread near 1
    np.testing.assert_allclose(moved.trace[:8], one.trace[:8], rtol=1e-8)
    np.testing.assert_allclose(moved.params["mu"] - offset, one.params["mu"], atol=1e-6 * float(np.nanstd(x)))
    # alpha is in units of its own
    cost = model.settings["Z"] * np.log(unit**2) if name == "bayesian_pca" else 0.0
    if objective == "map":  # so are the densities of all the latents
        sizes = {n: np.size(v) for n, v in one.params.items()}
        power = {"W": 1, "mu": 1, "Psi": 2, "sigma2": 2}
        cost -= sum(p * sizes.get(n, 0) for n, p in power.items()) * np.log(unit)
    cost -= np.isfinite(x).sum() * np.log(unit)
    np.testing.assert_allclose(stretched.trace[:8], one.trace[:8] + cost, rtol=1e-9)


def test_sums_are_in_64_bits_whatever_the_data_is_in():
    x = small_data("factor_analysis")
    wide, narrow = (fit(model_of("factor_analysis"), x, "em", dtype=dtype) for dtype in ("float64", "float32"))
    np.testing.assert_allclose(narrow.trace, wide.trace, rtol=1e-12)


# --- data without a maximum


X = factors(200, 6, 2)[0]
TWICE = np.column_stack([X, X[:, 0]])
PLANE = X[:, :1] * np.arange(1.0, 5.0) + X[:, 1:2] * np.array([1.0, -1.0, 2.0, 0.5])
IMPOSSIBLE = [
    ("as many factors as columns", X, {"Z": 6}, "ml", "Z=6 latent dimensions for D=6 columns: take Z=5 or fewer"),
    ("more factors than columns", X[:, :1], {"Z": 1}, "map", "Z=1 latent dimensions for D=1 columns"),
    ("a constant column", np.column_stack([X, np.ones(200)]), {}, "map", "column 6 of x is constant"),
    ("a column without values", np.column_stack([X, np.full(200, np.nan)]), {}, "map", "column 6 of x is missing"),
    ("one row", X[:1], {}, "map", "at least two rows"),
    ("a column twice", TWICE, {}, "ml", "columns 0, 6 determine each other"),
    ("a column in other units", np.column_stack([X, 3 - 2 * X[:, 1]]), {}, "ml", "columns 1, 6 determine each other"),
    ("a column almost twice", TWICE + 1e-7 * np.eye(200, 7), {}, "ml", "columns 0, 6 determine each other"),
    ("fewer rows than factors", X[:2], {}, "ml", "the rows lie in a plane of Z=2 dimensions"),
    ("rows in a plane", PLANE, {}, "ml", "has no maximum"),
    ("infinite", np.where(X[3, 1] == X, np.inf, X), {}, "map", "row 3, column 1 is infinite"),
    ("too large", X * 1e200, {}, "map", "column 0 of x has squares beyond 64 bits: give it in other units"),
    ("too small", X * 1e-120, {}, "ml", "column 0 of x has squares beyond 64 bits"),
    ("an offset that leaves no digits", X + 1e14, {}, "map", "is constant"),
]


@pytest.mark.parametrize(
    ("x", "settings", "objective", "message"), [i[1:] for i in IMPOSSIBLE], ids=[i[0] for i in IMPOSSIBLE]
)
def test_data_without_a_maximum_raise_one_line(x, settings, objective, message):
    for name in ("factor_analysis", "mixture_of_factor_analysers"):
        with pytest.raises(zoo.ZooError) as error:
            fit(
                model_of(name, **{"K": 1, "Z": 2, **settings} if "mixture" in name else {"Z": 2, **settings}),
                x,
                "em",
                objective=objective,
            )
        assert message in str(error.value)
        assert "\n" not in str(error.value)


def test_rows_in_a_plane_have_no_noise():
    with pytest.raises(zoo.ZooError, match=r"lie in a plane of Z=2 dimensions.*has no maximum"):
        fit(zoo.load("probabilistic_pca", "pyro", Z=2), PLANE, "em")
    assert fit(zoo.load("probabilistic_pca", "pyro", Z=2), PLANE, "em", covariance_floor=1e-6).params["sigma2"] > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "x",
    [
        TWICE,
        PLANE,
        X[:2],
        X[:3],
        TWICE + 1e-7 * np.eye(200, 7),
        X @ np.ones((6, 9)) + 1e-9 * X[:, :1] ** 2 * np.arange(9),
        X * 1e90,
        X * 1e-90,
        X * 10.0 ** np.arange(-9, 9, 3),
    ],
    ids=[
        "a column twice",
        "rows in a plane",
        "two rows",
        "three rows",
        "near singular",
        "one direction",
        "huge",
        "tiny",
        "units apart",
    ],
)
def test_map_has_a_finite_solution(name, x):
    fitted = fit(model_of(name, Z=2), x, "em", objective="map")
    assert fitted.diagnostics["converged"]
    for value in (*fitted.params.values(), fitted.trace, fitted.log_likelihood()):
        assert np.isfinite(value).all()


def test_a_heywood_case_is_reported():
    # one factor would have to explain 0.9 * 0.9 / 0.64 of the first column's variance, which is more than all of it
    S = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, 0.64], [0.9, 0.64, 1.0]])
    x = white_rows(200, 3) @ np.linalg.cholesky(S).T
    fitted = fit(zoo.load("factor_analysis", "pyro", Z=1), x, "em")
    assert fitted.diagnostics["heywood"] == [0]
    assert fitted.params["Psi"][0] < 0.005 * x[:, 0].var()
    mixed = fit(zoo.load("mixture_of_factor_analysers", "pyro", Z=1, K=1), x, "em")
    assert mixed.diagnostics["heywood"] == [0]
    assert fit(zoo.load("factor_analysis", "pyro", Z=1), x, "em", objective="map").diagnostics["heywood"] == []
    assert fit(zoo.load("factor_analysis", "pyro", Z=2), X, "em").diagnostics["heywood"] == []
