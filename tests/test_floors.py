"""Narrow components and clean columns have a maximum; points, lines and exact copies of columns have none."""

import numpy as np
import pytest

import zoo
from inference import fit
from tests.table import BACKENDS

N = 200


def clusters(distance, D=2, seed=0):
    """Two clusters of standard deviation 1 whose centres are ``distance`` apart in every column."""
    x = np.random.default_rng(seed).normal(size=(N, D))
    return x + np.where(np.arange(N) < N // 3, 0.0, distance)[:, None]


def clean_columns(noise, N=400, D=6, Z=2, seed=0):
    """Rows of a plane with noise of that standard deviation, relative to the columns; the loadings' columns differ."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(D, Z))
    W /= np.sqrt((W**2).sum(1, keepdims=True))
    return rng.normal(size=(N, Z)) @ W.T + noise * rng.normal(size=(N, D))


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied", "tied_diag"])
@pytest.mark.parametrize("distance", [1e5, 1e8])
@pytest.mark.parametrize("backend", BACKENDS)
def test_clusters_far_apart_have_their_own_moments(backend, distance, covariance):
    if backend == "numpyro" and covariance in ("spherical", "tied", "tied_diag"):
        pytest.skip("the arithmetic is that of the other cases, and compiling is slow")
    x = clusters(distance)
    best = fit(zoo.load("gaussian_mixture", backend, K=2, covariance=covariance), x, "em", objective="ml")
    parts = [x[: N // 3], x[N // 3 :]]
    first = int(best.params["mu"][:, 0].argmin())
    order = [first, 1 - first]
    np.testing.assert_allclose(best.params["pi"][order], [len(p) / N for p in parts], rtol=1e-12)
    np.testing.assert_allclose(best.params["mu"][order], [p.mean(0) for p in parts], rtol=1e-12, atol=1e-6)
    Sigma = [np.cov(p.T, bias=True) for p in parts]
    match covariance:
        case "diag":
            expected = [np.diag(S) for S in Sigma]
        case "spherical":
            expected = [np.diag(S).mean() for S in Sigma]
        case "tied":
            expected = sum(len(p) / N * S for p, S in zip(parts, Sigma, strict=True))
        case "tied_diag":
            expected = sum(len(p) / N * np.diag(S) for p, S in zip(parts, Sigma, strict=True))
        case _:
            expected = Sigma
    P = best.params["Lambda"]
    shown = np.linalg.inv(P) if covariance in ("full", "tied") else 1 / P
    # the digits of the data itself, near 1e8, are 1e-8
    np.testing.assert_allclose(shown if covariance.startswith("tied") else shown[order], expected, rtol=1e-6)


def test_duplicate_sensors_in_a_mixture():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=300)
    x = np.stack([signal, signal + 1e-5 * rng.normal(size=300)], axis=1)
    best = fit(zoo.load("gaussian_mixture", "pyro", K=1), x, "em", objective="ml")
    difference = np.array([1.0, -1.0])
    variance = difference @ np.linalg.inv(best.params["Lambda"][0]) @ difference
    np.testing.assert_allclose(variance, (x @ difference).var(), rtol=1e-4)  # the condition of Lambda is 4e10


@pytest.mark.parametrize("noise", [3e-4, 1e-5])
def test_clean_columns_have_their_noise(noise):
    x = clean_columns(noise)
    best = fit(zoo.load("factor_analysis", "pyro", Z=2), x, "em", max_iter=3000)
    # a chi-squared of 400 - 2 degrees of freedom over two common factors: 6 standard errors of the variance
    np.testing.assert_allclose(best.params["Psi"] / noise**2, 1.0, atol=6 * np.sqrt(2 / 400))
    S = np.cov(x.T, bias=True)
    Sigma = best.params["W"] @ best.params["W"].T + np.diag(best.params["Psi"])
    log_p = -0.5 * 400 * (6 * np.log(2 * np.pi) + np.linalg.slogdet(Sigma)[1] + np.trace(np.linalg.solve(Sigma, S)))
    np.testing.assert_allclose(best.diagnostics["log_likelihood"], log_p, rtol=1e-4)


@pytest.mark.parametrize("name", ["probabilistic_pca", "bayesian_pca"])
def test_clean_planes_have_the_discarded_eigenvalues(name):
    x = clean_columns(3e-4)
    objective = "ml" if name == "probabilistic_pca" else "map"
    best = fit(zoo.load(name, "pyro", Z=2), x, "em", objective=objective)
    if objective == "ml":
        discarded = np.linalg.eigvalsh(np.cov(x.T, bias=True))[:-2]
        np.testing.assert_allclose(best.params["sigma2"], discarded.mean(), rtol=1e-6)
    assert np.isfinite(best.params["sigma2"])


def test_groups_far_apart_have_their_own_factors():
    parts = [clean_columns(0.5, N=150, seed=seed) + seed * 1e5 for seed in (0, 1)]
    both = fit(zoo.load("mixture_of_factor_analysers", "pyro", K=2, Z=2), np.concatenate(parts), "em", tol=1e-10)
    alone = [fit(zoo.load("factor_analysis", "pyro", Z=2), part, "em", tol=1e-10) for part in parts]
    expected = sum(f.diagnostics["log_likelihood"] for f in alone) + 300 * np.log(0.5)
    np.testing.assert_allclose(both.diagnostics["log_likelihood"], expected, rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_message_names_the_single_point(backend):
    x = np.append(clusters(0.0), [[1e6, 1e6]], axis=0)
    with pytest.raises(zoo.ZooError, match=r"component \d collapsed.*\(1 of 201 rows\)"):
        fit(zoo.load("gaussian_mixture", backend, K=2), x, "em", objective="ml")


LINE = np.outer(np.random.default_rng(0).normal(size=60), [1.0, -2.0])
DEGENERATE = {
    "a line": LINE,
    "a line far away": LINE + 1e6,
    "a line in one cluster": np.concatenate([LINE, clusters(1e3)]),
    "copies of one row": np.concatenate([np.full((20, 2), 3.0), clusters(10.0)]),
    "copies of one row far away": np.concatenate([np.full((20, 2), 3e7), clusters(10.0)]),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_a_point_or_a_line_has_no_maximum(case):
    K = 1 if case in ("a line", "a line far away") else 3
    with pytest.raises(zoo.ZooError, match="collapsed"):
        fit(zoo.load("gaussian_mixture", "pyro", K=K), DEGENERATE[case], "em", objective="ml")


def test_exact_copies_of_columns_have_no_maximum():
    x = clean_columns(0.3)
    with pytest.raises(zoo.ZooError, match="determine each other"):
        fit(zoo.load("factor_analysis", "pyro", Z=2), np.column_stack([x, 2 * x[:, :1], x[:, 1] + 5]), "em")
