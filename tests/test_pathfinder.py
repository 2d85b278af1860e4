"""Pathfinder: its normal distributions, and posteriors that are known."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import inference
import zoo
from inference.engines.pathfinder.normals import NormalApproximation, next_diagonal
from tests.table import BACKENDS
from tests.test_leave_one_out import PROGRAMS, Y, posterior_of_the_mean

RNG = np.random.default_rng(0)


def pairs_of(P, J):
    """Steps and changes of gradient of a quadratic log density, and the diagonal after them."""
    root = RNG.normal(size=(P, P))
    precision, alpha, pairs = root @ root.T + np.eye(P), np.ones(P), []
    for _ in range(J):
        step = RNG.normal(size=P)
        pairs.append((step, precision @ step))
        alpha = next_diagonal(alpha, *pairs[-1])
    return alpha, pairs


@pytest.mark.parametrize(("P", "J"), [(3, 1), (3, 6), (12, 2), (12, 0)])
def test_the_covariance_is_the_inverse_hessian_of_bfgs(P, J):
    alpha, pairs = pairs_of(P, J)
    point, gradient = RNG.normal(size=P), RNG.normal(size=P)
    H = np.diag(alpha)
    for step, change in pairs:  # the recursion of Nocedal and Wright (2006), 6.17
        rho = 1 / (change @ step)
        left = np.eye(P) - rho * np.outer(step, change)
        H = left @ H @ left.T + rho * np.outer(step, step)
    normal = NormalApproximation(point, gradient, alpha, pairs)
    np.testing.assert_allclose(normal.mean, point + H @ gradient, rtol=1e-8, atol=1e-10)
    root = normal.transform(np.eye(P)) - normal.mean
    np.testing.assert_allclose(root.T @ root, H, rtol=1e-8, atol=1e-10)
    x = RNG.normal(size=(5, P))
    np.testing.assert_allclose(normal.log_density(x), multivariate_normal(normal.mean, H).logpdf(x), rtol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_normal_posterior_is_found_exactly(backend):
    model = zoo.Model(PROGRAMS[backend], backend=backend)
    fit = inference.fit(model, Y, engine="pathfinder", num_draws=400)
    mean, sd = posterior_of_the_mean(Y)
    draws = fit.draws["mu"].ravel()
    assert abs(draws.mean() - mean) < 4 * sd / np.sqrt(400)
    assert abs(draws.std() / sd - 1) < 4 / np.sqrt(800)
    assert np.ptp(fit.stats["log_weight"]) < 0.1  # log p(Y) at every draw
    assert fit.kind == "guide"
    assert inference.evaluation.comparison.judge(fit).trust == "yes"


def numpyro_modes(y):
    """Two modes far apart, of which one has four times the mass."""
    import jax.numpy as jnp
    import numpyro
    from numpyro.distributions import Categorical, MixtureSameFamily, Normal

    components = Normal(jnp.array([-6.0, 6.0]), jnp.array([1.0, 2.0]))
    x = numpyro.sample("x", MixtureSameFamily(Categorical(jnp.array([0.8, 0.2])), components))
    numpyro.sample("y", Normal(0.0 * x, 1.0), obs=y)


def test_modes_are_weighed_by_their_mass():
    """Paths begin at draws from the prior too, and so in both modes."""
    model = zoo.Model(numpyro_modes, backend="numpyro")
    fit = inference.fit(model, np.array([0.0]), engine="pathfinder", num_paths=30, num_draws=1000)
    share = (fit.draws["x"] < 0).mean()
    assert abs(share - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 1000) + 0.01  # and the error of the proportions
    assert abs(fit.draws["x"][fit.draws["x"] > 0].std() - 2.0) < 0.5
    assert sum(fit.diagnostics["weight_by_path"]) == pytest.approx(1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_are_summed_out_and_aligned(backend):
    x = np.concatenate([RNG.normal(-3.0, 1.0, 40), RNG.normal(3.0, 1.0, 20)])[:, None]
    options: dict[str, Any] = {"num_paths": 2, "num_draws": 200, "elbo_draws": 10}
    fit = inference.fit(zoo.load("gaussian_mixture", backend, K=2), x, "pathfinder", **options)
    assert np.sort(fit.params["mu"].ravel()) == pytest.approx([-3.0, 3.0], abs=0.6)
    assert fit.params["pi"].max() == pytest.approx(2 / 3, abs=0.1)


def test_a_funnel_is_not_trusted():
    import numpyro
    from numpyro.distributions import HalfCauchy, Normal

    def eight_schools(y, sigma):
        mu = numpyro.sample("mu", Normal(0.0, 5.0))
        tau = numpyro.sample("tau", HalfCauchy(5.0))
        with numpyro.plate("schools", 8):
            theta = numpyro.sample("theta", Normal(mu, tau))
            numpyro.sample("y", Normal(theta, sigma), obs=y)

    y, sigma = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    fit = inference.fit(zoo.Model(eight_schools, backend="numpyro"), y, sigma, engine="pathfinder")
    assert np.isfinite(fit.draws["tau"]).all()
    assert inference.evaluation.comparison.judge(fit).trust != "yes"


def test_a_start_is_used_and_an_impossible_one_is_refused():
    model = zoo.Model(PROGRAMS["pyro"], backend="pyro")
    fit = inference.fit(model, Y, engine="pathfinder", num_paths=1, num_draws=50, start={"mu": 3.0})
    assert fit.diagnostics["start"] == "given"
    with pytest.raises(zoo.ZooError, match="start needs mu of shape"):
        inference.fit(model, Y, engine="pathfinder", start={"mu": [1.0, 2.0]})
