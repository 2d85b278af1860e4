"""Factor analysis and probabilistic PCA against other programs and published numbers, on real tables."""

import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA, FactorAnalysis

import zoo
from inference import fit
from tests.table import load_or_skip

TABLES = ["wine", "holzinger_swineford_1939"]


def table(name, scaled=True):
    x = load_or_skip(name).to_numpy(float)
    return (x - x.mean(0)) / x.std(0) if scaled else x


def height(x, W, Psi):
    """Log-likelihood per row in nats at loadings and uniquenesses, the mean that of x: one formula for all."""
    C, S = W @ W.T + np.diag(Psi), np.cov(x.T, bias=True)
    return -0.5 * (len(S) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S)))


def of(name, x, Z, **options):
    return fit(zoo.load(name, "pyro", Z=Z), x, "em", **options)


@pytest.mark.parametrize("Z", [1, 2, 3])
@pytest.mark.parametrize("name", TABLES)
def test_factor_analysis_is_that_of_scikit_learn_and_statsmodels(name, Z):
    from statsmodels.multivariate.factor import Factor

    x = table(name)
    ours = of("factor_analysis", x, Z)
    assert abs(ours.trace[-1] / len(x) - height(x, ours.params["W"], ours.params["Psi"])) < 1e-10
    one = FactorAnalysis(Z, tol=1e-12, max_iter=20_000, svd_method="lapack").fit(x)
    other = Factor(x, n_factor=Z, method="ml").fit(maxiter=5000, tol=1e-12)
    for W, Psi in ((one.components_.T, one.noise_variance_), (other.loadings, other.uniqueness)):
        peer = height(x, np.asarray(W), np.asarray(Psi))
        assert ours.trace[-1] / len(x) > peer - 1e-6
        # where the heights agree to 1e-7 a row, what no rotation changes agrees to about the root of that
        covariance = ours.params["W"] @ ours.params["W"].T + np.diag(ours.params["Psi"])
        np.testing.assert_allclose(np.asarray(W) @ np.asarray(W).T + np.diag(Psi), covariance, atol=1e-3)
    np.testing.assert_allclose(ours.log_likelihood(), one.score_samples(x), atol=1e-2)
    raw = of("factor_analysis", table(name, scaled=False), Z)  # units count for their logarithm alone
    scale = np.log(table(name, scaled=False).std(0)).sum()
    assert abs(raw.trace[-1] / len(x) + scale - ours.trace[-1] / len(x)) < 1e-9


@pytest.mark.parametrize("name", TABLES)
def test_a_heywood_case_is_climbed_to_its_end(name):
    """Four factors: a uniqueness goes to its floor, which peers approach for ever."""
    from statsmodels.multivariate.factor import Factor

    x = table(name)
    ours = of("factor_analysis", x, 4, tol=1e-8, max_iter=1000)
    assert ours.diagnostics["converged"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it has not converged
        peer = Factor(x, n_factor=4, method="ml").fit(maxiter=5000, tol=1e-12)
    assert ours.trace[-1] / len(x) > height(x, peer.loadings, peer.uniqueness) - 1e-6
    assert len(ours.diagnostics["heywood"]) >= 1


def test_three_factors_of_holzinger_and_swineford_fit_as_published():
    """The unrestricted log-likelihood, and the likelihood ratio of three factors to it on 12 degrees of freedom, as the
    R package lavaan has them (Rosseel 2012, Journal of Statistical Software 48(2)); factanal in R has the latter times
    Bartlett's factor.
    """
    x = table("holzinger_swineford_1939", scaled=False)
    N, D = x.shape
    fitted = of("factor_analysis", x, 3)
    S = np.cov(x.T, bias=True)
    unrestricted = -0.5 * N * (D * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + D)
    assert round(unrestricted, 3) == -3695.092
    ratio = 2 * (unrestricted - fitted.trace[-1])
    assert abs(ratio - 22.897) < 1e-3
    assert round(ratio * (N - 1 - (2 * D + 5) / 6 - 2 * 3 / 3) / N, 2) == 22.38
    assert fitted.diagnostics["parameters"] == D + D * (D + 1) // 2 - 12


@pytest.mark.parametrize("Z", [1, 2, 5])
@pytest.mark.parametrize("name", [*TABLES, "iris"])
def test_probabilistic_pca_is_that_of_scikit_learn(name, Z):
    x = table(name, scaled=name != "iris")
    Z = min(Z, x.shape[1] - 1)
    ours, N = of("probabilistic_pca", x, Z, tol=1e-12), len(x)
    theirs = PCA(Z).fit(x)
    # scikit-learn's covariance is over N - 1, which is not the maximum; its variances over N are
    sigma2 = theirs.noise_variance_ * (N - 1) / N
    np.testing.assert_allclose(ours.params["sigma2"], sigma2, rtol=1e-6)
    assert ours.trace[-1] / N > theirs.score(x)
    W = theirs.components_.T * np.sqrt(theirs.explained_variance_ * (N - 1) / N - sigma2)
    assert abs(ours.trace[-1] / N - height(x, W, np.full(x.shape[1], sigma2))) < 1e-9
    # and what is lost by theirs is what a covariance too large by N / (N - 1) costs, to second order in 1 / N
    D = x.shape[1]
    assert abs(ours.trace[-1] / N - theirs.score(x) - D / (4 * N**2)) < D / N**3
