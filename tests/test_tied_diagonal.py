"""One diagonal covariance for all components: its M-step against direct maximisation, and against scikit-learn."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

import zoo
from inference import fit
from tests.table import BACKENDS

SPREAD = np.array([1.0, 50.0, 0.01])
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(150, 3)) + 3.0 * RNG.integers(2, size=150)[:, None]) * SPREAD + 7


def weighted_log_density(log_variance, r, mu):
    """The part of the expected log joint that depends on the variances (3,), in units of SPREAD."""
    sd = SPREAD * np.exp(log_variance / 2)
    return sum(r[:, k] @ norm(mu[k], sd).logpdf(X).sum(1) for k in range(2))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_m_step_is_the_direct_maximum(backend):
    model = zoo.load("gaussian_mixture", backend, K=2, covariance="tied_diag")
    start = {"pi": np.array([0.3, 0.7]), "mu": X[:2], "Lambda": SPREAD**-2.0}
    log_joint = np.log(start["pi"]) + norm(X[:, None], SPREAD).logpdf(start["mu"]).sum(2)
    r = np.exp(log_joint - np.logaddexp.reduce(log_joint, 1)[:, None])
    step = fit(model, X, "em", start=start, max_iter=1, tol=0.0)
    np.testing.assert_allclose(step.trace[0], np.logaddexp.reduce(log_joint, 1).sum(), rtol=1e-10)
    np.testing.assert_allclose(step.params["pi"], r.mean(0), rtol=1e-10)
    mu = r.T @ X / r.sum(0)[:, None]
    np.testing.assert_allclose(step.params["mu"], mu, rtol=1e-10)
    best = minimize(lambda v: -weighted_log_density(v, r, mu), np.zeros(3), method="BFGS", options={"gtol": 1e-7})
    variance = 1 / step.params["Lambda"]
    assert variance.shape == (3,)
    np.testing.assert_allclose(variance, SPREAD**2 * np.exp(best.x), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_column_is_the_tied_covariance_of_scikit_learn(backend):
    x = X[:, :1]
    model = zoo.load("gaussian_mixture", backend, K=2, covariance="tied_diag")
    start = fit(model, x, "em", max_iter=1, tol=0.0).params
    ours = fit(model, x, "em", start=start, tol=1e-11)
    theirs = GaussianMixture(
        2,
        covariance_type="tied",
        reg_covar=0.0,
        tol=1e-11,
        max_iter=1000,
        weights_init=start["pi"],
        means_init=start["mu"],
        precisions_init=start["Lambda"][None],
    ).fit(x)
    np.testing.assert_allclose(ours.trace[-1], theirs.score(x) * len(x), rtol=1e-9)
    np.testing.assert_allclose(ours.diagnostics["bic"], theirs.bic(x), rtol=1e-9)  # so as many parameters
    np.testing.assert_allclose(ours.params["mu"], theirs.means_, rtol=1e-4)
    assert list(ours.summary().index) == ["pi[0]", "pi[1]", "mu[0,0]", "mu[1,0]", "Sigma[0]"]


def test_three_columns_have_one_variance_each():
    fitted = fit(zoo.load("gaussian_mixture", "pyro", K=2, covariance="tied_diag"), X, "em")
    assert fitted.diagnostics["parameters"] == 1 + 2 * 3 + 3
    wider = fit(zoo.load("gaussian_mixture", "pyro", K=2, covariance="diag"), X, "em")
    narrower = fit(zoo.load("gaussian_mixture", "pyro", K=1, covariance="tied_diag"), X, "em")
    assert narrower.trace[-1] < fitted.trace[-1] < wider.trace[-1]
    units = fit(zoo.load("gaussian_mixture", "pyro", K=2, covariance="tied_diag"), X / SPREAD, "em")
    np.testing.assert_allclose(units.trace[-1], fitted.trace[-1] + 150 * np.log(SPREAD).sum(), rtol=1e-9)
