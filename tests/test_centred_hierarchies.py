"""Centred hierarchies, whose joint density has no mode: guides begin elsewhere, and verdicts name the funnel."""

import dataclasses
import re
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import inference
import zoo
from inference.evaluation.comparison import judge
from inference.structure import describe_density
from inference.unconstrained.curvature import nearest_normal

Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
SIGMA = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
STEPS = {"numpyro": 1000, "pyro": 200}


def modules(backend: str) -> tuple[Any, Any, Any]:
    """Statements, distributions and array functions of a backend."""
    if backend == "numpyro":
        import jax.numpy as arrays
        import numpyro as statements
        import numpyro.distributions as dist
    else:
        import pyro as statements
        import pyro.distributions as dist
        import torch as arrays
    return statements, dist, arrays


def eight_schools(backend, is_centred=True):
    pr, dist, arrays = modules(backend)

    def program(y, sigma):
        mu = pr.sample("mu", dist.Normal(0.0, 5.0))
        tau = pr.sample("tau", dist.HalfCauchy(5.0 * arrays.ones(())))
        with pr.plate("schools", 8):
            theta = pr.sample("theta", dist.Normal(mu, tau) if is_centred else dist.Normal(0.0, 1.0))
            pr.sample("y", dist.Normal(theta if is_centred else mu + tau * theta, sigma), obs=y)

    return zoo.Model(program, backend=backend)


def mean_field_optimum():
    """Means and sds of mu and log tau in the best normal approximation with independent coordinates, and its ELBO.

    The ELBO has a closed form, but for the prior of tau, which is integrated by quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def loss(v):
        (m, a), mean, (s, b), sd = v[:2], v[2:10], np.exp(v[10:12]), np.exp(v[12:])
        elbo = -(m**2 + s**2) / 50 + a - weights @ np.log1p((np.exp(a + b * nodes) / 5) ** 2)
        elbo += -8 * a - np.exp(-2 * a + 2 * b**2) * ((mean - m) ** 2 + sd**2 + s**2).sum() / 2
        elbo += -(((Y - mean) ** 2 + sd**2) / SIGMA**2).sum() / 2 + v[10:].sum()
        constant = -np.log(50 * np.pi) / 2 + np.log(2 / (5 * np.pi)) - 4 * np.log(2 * np.pi)
        return -elbo - constant + np.log(2 * np.pi * SIGMA**2).sum() / 2 - 5 * (np.log(2 * np.pi) + 1)

    best = minimize(loss, np.concatenate([[3.0, 1.5], np.full(8, 4.0), [0.5, -1.0], np.ones(8)]), method="BFGS")
    return best.x[:2], np.exp(best.x[10:12]), -best.fun


@pytest.fixture(scope="module")
def fits():
    """Fits of the eight schools by backend and guide, each when it is first needed."""
    known: dict[tuple[str, str], Any] = {}

    def fit_of(backend, guide):
        if (backend, guide) not in known:
            options = {"guide": guide, "num_steps": STEPS[backend], "num_draws": 400}
            known[backend, guide] = inference.fit(eight_schools(backend), y=Y, sigma=SIGMA, engine="svi", **options)
        return known[backend, guide]

    return fit_of


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_mean_field_reaches_its_optimum_on_eight_schools(fits, backend):
    fit, ((mean, log_tau), (sd, log_sd), elbo) = fits(backend, "mean_field"), mean_field_optimum()
    mu, log = fit.draws["mu"], np.log(fit.draws["tau"])
    assert abs(mu.mean() - mean) < 0.4 * sd  # steps of Adam are noisy
    assert abs(log.mean() - log_tau) < 0.15
    assert 0.75 < mu.std() / sd < 1.33
    assert 0.7 < log.std() / log_sd < 1.4
    assert elbo - 0.5 < fit.diagnostics.elbo < elbo + 4 * fit.diagnostics.elbo_se


def test_full_rank_is_no_worse_than_mean_field(fits):
    fit, (_, _, elbo) = fits("pyro", "full_rank"), mean_field_optimum()
    assert fit.diagnostics.elbo > elbo - 0.5
    assert 2 < fit.draws["tau"].mean() < 10


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_the_verdict_names_the_funnel(fits, backend):
    verdict = judge(fits(backend, "mean_field"))
    assert verdict.trust != "yes"
    assert "theta is centred, with the scale tau" in verdict.explanation
    assert "write theta as its mean plus tau times a standard normal latent (non-centred)" in verdict.explanation


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_the_summary_of_a_guide_names_the_funnel(fits, backend):
    with pytest.warns(UserWarning, match="theta is centred, with the scale tau: .* a funnel, which the guide hides"):
        fits(backend, "mean_field").summary()


def test_chains_that_diverge_in_a_funnel_are_told_how_to_write_it():
    program, options = eight_schools("pyro"), {"num_warmup": 20, "num_samples": 60, "target_accept": 0.5}
    fit = inference.fit(program, y=Y, sigma=SIGMA, engine="nuts", num_chains=1, **options)
    assert fit.diagnostics["divergences"] > 0
    with pytest.warns(
        UserWarning, match="a funnel, whose end chains that diverge do not reach; write theta as its mean"
    ):
        fit.summary()
    assert "cut off: theta is centred, with the scale tau" in judge(fit).explanation
    sound = dataclasses.replace(fit, diagnostics=fit.diagnostics.replace(divergences=0, divergences_by_chain=[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sound.summary()


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_scales_that_are_latents_are_found(backend):
    pr, dist, arrays = modules(backend)

    def nested(y):
        mu, size = pr.sample("mu", dist.Normal(0.0, 1.0)), 1.0 + arrays.zeros(())
        outer, inner = (pr.sample(f"tau_{n}", dist.HalfNormal(size)) for n in ("outer", "inner"))
        a = pr.sample("a", dist.Normal(mu, outer).expand([2]).to_event(1))
        b = pr.sample("b", dist.Normal(a[..., [0, 0, 1, 1]], inner * 2).to_event(1))
        with pr.plate("rows", 4):
            pr.sample("y", dist.Normal(b, 1.0), obs=y)

    def regression(y):  # the scale is that of the noise, too
        noise = pr.sample("noise", dist.HalfNormal(1.0 + arrays.zeros(())))
        slope = pr.sample("slope", dist.Normal(0.0, noise))
        with pr.plate("rows", 4):
            pr.sample("y", dist.Normal(slope, noise), obs=y)

    def scales(program, *args, **keywords):
        model = program if isinstance(program, zoo.Model) else zoo.Model(program, backend=backend)
        return describe_density(zoo.read(model, *args, **keywords)).card.scales

    assert scales(nested, Y[:4]) == {"a": ("tau_outer",), "b": ("tau_inner",)}
    assert scales(regression, Y[:4]) == {}
    assert scales(eight_schools(backend, is_centred=False), y=Y, sigma=SIGMA) == {}


def test_the_nearest_normal_distribution_of_a_normal_density_is_itself():
    mean, precision = np.array([3.0, -1.0, 0.5]), np.array([4.0, 0.01, 1.0])

    def normal(point, direction):
        return -(precision * (point - mean) ** 2).sum() / 2, -precision * (point - mean), -precision * direction

    found = nearest_normal(normal, np.zeros(3), np.array([1.0, 5.0, 1.0]))
    np.testing.assert_allclose((found.centre - mean) * np.sqrt(precision), 0, atol=0.01)  # sds
    np.testing.assert_allclose(found.precision, np.diag(precision), rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("guide", ["mean_field", "full_rank"])
@pytest.mark.parametrize("name", ["nested", "varying intercepts"])
def test_other_hierarchies_are_fitted_from_a_start_that_is_no_mode(name, guide):
    pr, dist, arrays = modules("numpyro")
    rng = np.random.default_rng(0)
    district, effect = rng.normal(1, 1, 5), rng.integers(0, 2, 200).astype(float)

    def nested(y, group):
        mu = pr.sample("mu", dist.Normal(0.0, 5.0))
        scales = [pr.sample(n, dist.HalfNormal(3.0)) for n in ("tau_a", "tau_b", "sigma")]
        with pr.plate("districts", 5):
            a = pr.sample("a", dist.Normal(mu, scales[0]))
        with pr.plate("schools", 20):
            b = pr.sample("b", dist.Normal(a[arrays.arange(20) // 4], scales[1]))
        with pr.plate("rows", len(y)):
            pr.sample("y", dist.Normal(b[group], scales[2]), obs=y)

    def varying_intercepts(y, group, effect):
        mu = pr.sample("mu", dist.Normal(0.0, 10.0))
        scales = [pr.sample(n, dist.HalfCauchy(5.0)) for n in ("tau", "sigma")]
        slope = pr.sample("slope", dist.Normal(0.0, 10.0))
        with pr.plate("groups", 30):
            a = pr.sample("a", dist.Normal(mu, scales[0]))
        with pr.plate("rows", len(y)):
            pr.sample("y", dist.Normal(a[group] + slope * effect, scales[1]), obs=y)

    if name == "nested":
        group = np.repeat(np.arange(20), 5)
        y = rng.normal(rng.normal(district[np.arange(20) // 4], 0.5)[group], 1.0)
        program, call, truth = nested, {"y": y, "group": group}, {"sigma": 1.0, "tau_b": 0.5}
    else:
        group = rng.integers(0, 30, 200)
        y = rng.normal(rng.normal(1.5, 0.3, 30)[group] - 0.7 * effect, 0.8)
        program, call, truth = (
            varying_intercepts,
            {"y": y, "group": group, "effect": effect},
            {"sigma": 0.8, "tau": 0.3},
        )
    model = zoo.Model(program, backend="numpyro")
    fit = inference.fit(model, **call, engine="svi", guide=guide, num_steps=2000)
    for scale, value in truth.items():
        assert 0.5 < fit.draws[scale].mean() / value < 1.8


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_bounds_that_are_latents_are_found(backend):
    pr, dist, arrays = modules(backend)

    def program(x):
        top = pr.sample("top", dist.HalfNormal(10.0 * arrays.ones(())))
        rate = pr.sample("rate", dist.HalfNormal(1.0 * arrays.ones(())))
        with pr.plate("rows", 8):
            pr.sample("x", dist.Uniform(arrays.zeros(()), top), obs=x[:, 0])
            pr.sample("wait", dist.Exponential(rate), obs=x[:, 1])

    model = zoo.read(zoo.Model(program, backend=backend), np.c_[SIGMA, SIGMA])
    assert describe_density(model).card.bounds == {"x": ("top",)}


def test_chains_that_diverge_at_a_bound_are_told_how_to_write_it():
    pr, dist, arrays = modules("pyro")

    def program(x):
        top = pr.sample("top", dist.HalfNormal(100.0 * arrays.ones(())))
        with pr.plate("rows", 8):
            pr.sample("x", dist.Uniform(arrays.zeros(()), top), obs=x)

    options: dict[str, Any] = {"num_warmup": 30, "num_samples": 60, "num_chains": 1}
    fit = inference.fit(zoo.Model(program, backend="pyro"), SIGMA, engine="nuts", **options)
    fit = dataclasses.replace(fit, diagnostics=fit.diagnostics.replace(divergences=7, divergences_by_chain=[7]))
    advice = "the bounds of x depend on top, .* write top as the outermost value of x plus"
    with pytest.warns(UserWarning, match=advice):
        fit.summary()
    assert re.search(advice, judge(fit).explanation)
