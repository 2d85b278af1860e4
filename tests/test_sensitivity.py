"""Sensitivity to prior and likelihood by power scaling."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import dirichlet, norm

import inference
import zoo
from inference.evaluation.sensitivity import power_scaling
from inference.exact import enumeration
from tests.table import BACKENDS
from tests.test_leave_one_out import PRIOR_SD, PROGRAMS, Y, posterior_of_the_mean


def fit_of(backend, y):
    """A fit whose draws are those of the posterior."""
    model = zoo.read(zoo.Model(PROGRAMS[backend], backend=backend), y)
    fit = inference.fit(model, engine="svi", num_steps=1, num_draws=10)
    mean, sd = posterior_of_the_mean(y)
    draws = np.random.default_rng(1).normal(mean, sd, (4, 500))
    return replace(fit, engine="nuts", draws={"mu": draws}, stats={})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_conflict_of_prior_and_data_is_found_and_nothing_else(backend):
    assert inference.sensitivity(fit_of(backend, Y[:8])).conflicts == []
    far = inference.sensitivity(fit_of(backend, Y[:8] + 10 * PRIOR_SD))
    assert far.conflicts == ["mu"]
    assert "mu: prior and data conflict" in str(far)


def test_an_unknown_prior_is_refused():
    fit = fit_of("pyro", Y)
    with pytest.raises(zoo.ZooError, match="no latent with a prior 'sigma'"):
        inference.sensitivity(fit, prior=["sigma"])


def test_a_larger_shift_is_more_sensitive_and_a_constant_density_is_not():
    values = np.random.default_rng(2).normal(size=(4, 500, 1))
    slopes = [power_scaling(values, slope * values[..., 0], "prior")[0] for slope in (0.0, 0.1, 0.5, 2.0)]
    assert slopes[0] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(slopes) > 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_log_priors_are_those_of_the_card(backend):
    rng = np.random.default_rng(3)
    rate, pi = rng.gamma(2.0, 3.0, (2, 3, 2)), rng.dirichlet(np.ones(2), (2, 3))
    counts = rng.poisson(4.0, 30)
    model = zoo.load("poisson_mixture", backend, K=2)
    values = enumeration.log_priors(model, {"pi": pi, "rate": rate}, counts)
    assert {n: v.shape for n, v in values.items()} == {"pi": (2, 3), "rate": (2, 3)}
    np.testing.assert_allclose(values["pi"], np.full((2, 3), dirichlet.logpdf([0.5, 0.5], [1.0, 1.0])), atol=1e-12)
    (mu,) = enumeration.log_priors(fit_of(backend, Y).model, {"mu": np.array(0.7)}, None).values()
    assert mu == pytest.approx(norm.logpdf(0.7, 0.0, PRIOR_SD))


def test_a_fit_with_one_draw_is_refused():
    with pytest.raises(zoo.ZooError, match="sensitivity weighs draws, of which 1 are too few"):
        inference.sensitivity(replace(fit_of("pyro", Y), draws={"mu": np.zeros((1, 1))}))


def test_a_fit_without_draws_is_refused():
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em")
    with pytest.raises(zoo.ZooError, match="fit by em has none"):
        inference.sensitivity(fit)
