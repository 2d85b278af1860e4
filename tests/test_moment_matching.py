"""Moment matching for rows whose weights fail, against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm, t

import inference
import zoo
from inference.evaluation.leave_one_out.moment_matching import Move, match_moments
from inference.evaluation.leave_one_out.pareto import leave_one_out
from tests.table import BACKENDS
from tests.test_leave_one_out import NOISE, PRIOR_SD, PROGRAMS, Y, at_draws, exact_densities, posterior_of_the_mean
from tests.user_fits import fit_of

SHAPE, RATE, WIDTH = 3.0, 4.0, 5.0  # var ~ InverseGamma(SHAPE, RATE), mu ~ Normal(0, sqrt(WIDTH var))


def test_moved_draws_give_the_density_of_a_conjugate_model():
    """An outlier at which the weights fail: the error is that of the draws, and its estimate right."""
    y = np.append(Y, 25.0)
    (mean, sd), exact = posterior_of_the_mean(y), exact_densities(y)[20]

    def densities(vectors):
        rows = norm.logpdf(y, vectors, NOISE)
        return norm.logpdf(vectors[:, 0], 0.0, PRIOR_SD) + rows.sum(1), rows

    errors, estimated, weighted = [], [], []
    for seed in range(25):
        mu = np.random.default_rng(seed).normal(mean, sd, 2000)
        weights = leave_one_out(at_draws(mu[None], y))
        row = match_moments(mu[:, None], densities, 20, 0.5)
        assert row is not None
        assert row.k_hat < min(0.5, weights.k_hat[20])
        errors.append(row.elpd - exact)
        estimated.append(np.sqrt((row.influence**2).mean() / 2000))
        weighted.append(weights.elpd[20] - exact)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(25)
    assert np.mean(estimated) == pytest.approx(np.std(errors), rel=0.5)
    assert np.std(errors) < np.std(weighted) / 4
    assert abs(np.mean(weighted)) > 0.1


def test_a_move_and_its_inverse():
    rng = np.random.default_rng(0)
    one, other = (Move(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(2))
    x = rng.normal(size=(5, 3))
    np.testing.assert_allclose(one.after(other)(x), one(other(x)))
    np.testing.assert_allclose(one.inverse(one(x)), x)
    assert one.log_determinant == pytest.approx(np.log(abs(np.linalg.det(one.matrix))))


def numpyro_normal(y):
    import jax.numpy as jnp
    import numpyro
    from numpyro.distributions import InverseGamma, Normal

    var = numpyro.sample("var", InverseGamma(SHAPE, RATE))
    mu = numpyro.sample("mu", Normal(0.0, jnp.sqrt(WIDTH * var)))
    with numpyro.plate("rows", len(y)):
        numpyro.sample("y", Normal(mu, jnp.sqrt(var)), obs=y)


def pyro_normal(y):
    import pyro
    from pyro.distributions import InverseGamma, Normal

    var = pyro.sample("var", InverseGamma(SHAPE, RATE))
    mu = pyro.sample("mu", Normal(0.0, (WIDTH * var).sqrt()))
    with pyro.plate("rows", len(y)):
        pyro.sample("y", Normal(mu, var.sqrt()), obs=y)


def posterior(y):
    """The parameters of the normal-inverse-gamma posterior: mean, precision in units of var, shape, rate."""
    precision = 1 / WIDTH + len(y)
    mean = y.sum() / precision
    return mean, precision, SHAPE + len(y) / 2, RATE + (y @ y - precision * mean**2) / 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_whose_weights_fail_have_the_density_of_the_others(backend):
    """Mean and variance unknown: the predictive distribution given the others is a Student distribution."""
    rng = np.random.default_rng(1)
    y = np.append(Y, 22.0)
    mean, precision, shape, rate = posterior(y)
    var = 1 / rng.gamma(shape, 1 / rate, (4, 500))
    mu = rng.normal(mean, np.sqrt(var / precision))
    program = {"numpyro": numpyro_normal, "pyro": pyro_normal}[backend]
    fit = fit_of(zoo.read(zoo.Model(program, backend=backend), y), {"var": var, "mu": mu})
    exact = np.empty(len(y))
    for n in range(len(y)):
        m, p, a, b = posterior(np.delete(y, n))
        exact[n] = t.logpdf(y[n], 2 * a, m, np.sqrt(b / a * (1 + 1 / p)))
    without = inference.loo(fit, matches=0, refits=0)
    assert list(without.bad_rows) == [20]
    result = inference.loo(fit, refits=0)
    assert list(result.matched) == [20]
    assert len(result.bad_rows) == 0
    assert abs(result.elpd - exact.sum()) < 4 * result.monte_carlo_error
    assert abs(result.pointwise[20] - exact[20]) < abs(without.pointwise[20] - exact[20])
    assert "1 of 21 rows by draws that are moved" in str(result)


def test_few_draws_are_refused_in_one_line():
    fit = fit_of(zoo.read(zoo.Model(PROGRAMS["pyro"], backend="pyro"), Y), {"mu": np.zeros((1, 1))})
    with pytest.raises(zoo.ZooError, match="loo weighs draws, of which 1 are too few: fit with 25 or more"):
        inference.loo(fit)
    with pytest.raises(zoo.ZooError, match="matches"):
        inference.loo(fit, matches=-1)
