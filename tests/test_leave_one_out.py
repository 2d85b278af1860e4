"""Leave-one-out cross-validation, against closed forms and quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import inference
import zoo
from inference.evaluation.leave_one_out.pareto import leave_one_out

RNG = np.random.default_rng(0)
Y = RNG.normal(1.0, 2.0, 20)
PRIOR_SD, NOISE = 3.0, 2.0


def posterior_of_the_mean(y):
    """Mean and sd of mu ~ Normal(0, PRIOR_SD), y ~ Normal(mu, NOISE)."""
    precision = PRIOR_SD**-2 + len(y) / NOISE**2
    return y.sum() / NOISE**2 / precision, precision**-0.5


def exact_densities(y):
    """log p(y_n | the others), in nats."""
    others = [posterior_of_the_mean(np.delete(y, n)) for n in range(len(y))]
    return np.array([norm.logpdf(v, m, np.hypot(NOISE, sd)) for v, (m, sd) in zip(y, others, strict=True)])


def at_draws(mu, y):
    """log p(y_n | mu) at draws (chain, draw)."""
    return norm.logpdf(y, mu[..., None], NOISE)


def numpyro_normal(y):
    import numpyro
    from numpyro.distributions import Normal

    mu = numpyro.sample("mu", Normal(0.0, PRIOR_SD))
    with numpyro.plate("rows", len(y)):
        numpyro.sample("y", Normal(mu, NOISE), obs=y)


def pyro_normal(y):
    import pyro
    from pyro.distributions import Normal

    mu = pyro.sample("mu", Normal(0.0, PRIOR_SD))
    with pyro.plate("rows", len(y)):
        pyro.sample("y", Normal(mu, NOISE), obs=y)


PROGRAMS = {"numpyro": numpyro_normal, "pyro": pyro_normal}


def test_densities_converge_to_those_of_a_conjugate_model():
    """With draws at the quantiles of the posterior the error falls with their number, and not with its root."""
    mean, sd = posterior_of_the_mean(Y)
    errors = []
    for count in (10_000, 100_000):
        mu = RNG.permutation(norm.ppf((np.arange(count) + 0.5) / count, mean, sd))[None]
        errors.append(abs(leave_one_out(at_draws(mu, Y)).elpd - exact_densities(Y)).max())
    assert errors[0] < 5e-4
    assert errors[1] < errors[0] / 5


def test_monte_carlo_errors_are_those_of_repeated_draws():
    mean, sd = posterior_of_the_mean(Y)
    z = []
    for _ in range(60):
        estimates = leave_one_out(at_draws(RNG.normal(mean, sd, (4, 500)), Y))
        error = estimates.monte_carlo_error(np.arange(len(Y)))
        z.append((estimates.elpd - exact_densities(Y)).sum() / error)
    assert abs(np.mean(z)) < 4 / np.sqrt(60)
    assert abs(np.std(z) - 1) < 4 / np.sqrt(2 * 60)


def test_draws_of_a_guide_count_by_their_weights():
    mean, sd = posterior_of_the_mean(Y)
    mu = RNG.normal(mean + 0.2 * sd, 1.3 * sd, (1, 20_000))
    log_weight = norm.logpdf(mu, mean, sd) - norm.logpdf(mu, mean + 0.2 * sd, 1.3 * sd)
    weighted = leave_one_out(at_draws(mu, Y), log_weight)
    assert abs((weighted.elpd - exact_densities(Y)).sum()) < 4 * weighted.monte_carlo_error(np.arange(len(Y)))
    unweighted = leave_one_out(at_draws(mu, Y)).elpd.sum()
    assert abs(unweighted - exact_densities(Y).sum()) > 2 * abs(weighted.elpd.sum() - exact_densities(Y).sum())


def numpyro_mixture(y):
    """Two normals that are known, of which the weight is not; the label is summed out."""
    import jax.numpy as jnp
    import numpyro
    from numpyro.distributions import Categorical, Normal, Uniform

    w = numpyro.sample("w", Uniform(0.0, 1.0))
    with numpyro.plate("rows", len(y)):
        z = numpyro.sample("z", Categorical(jnp.stack([w, 1 - w])))
        numpyro.sample("y", Normal(jnp.array([-1.5, 1.5])[z], 1.0), obs=y)


def test_a_mixture_with_labels_summed_out_is_that_of_refits():
    """Each row left out by quadrature over the weight."""
    y = RNG.normal(np.repeat([-1.5, 1.5], [30, 20]), 1.0)
    grid = (np.arange(4000) + 0.5) / 4000
    log_p = np.logaddexp(
        np.log(grid)[:, None] + norm.logpdf(y, -1.5), np.log1p(-grid)[:, None] + norm.logpdf(y, 1.5)
    )  # (grid, N)
    without = log_p.sum(1, keepdims=True) - log_p
    exact = logsumexp(without + log_p, axis=0) - logsumexp(without, axis=0)
    cumulative = np.cumsum(np.exp(log_p.sum(1) - log_p.sum(1).max()))
    draws = np.interp(RNG.uniform(size=(4, 500)), cumulative / cumulative[-1], grid)
    model = zoo.read(zoo.Model(numpyro_mixture, backend="numpyro"), y)
    fit = replace(inference.fit(model, engine="em", max_iter=1), draws={"w": draws}, stats={})
    result = inference.loo(replace(fit, engine="nuts"))
    assert abs(result.elpd - exact.sum()) < 2 * result.monte_carlo_error
    assert abs(result.pointwise - exact).max() < 0.02
    assert result.p_loo == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_a_row_whose_weights_fail_is_left_out_by_a_fit(backend):
    y = np.append(Y, 25.0)
    fit = inference.fit(zoo.Model(PROGRAMS[backend], backend=backend), y, engine="svi", num_steps=300)
    result = inference.loo(fit)
    assert 20 in result.refitted
    assert len(result.matched) == 0  # draws of a guide are not moved
    assert len(result.bad_rows) == 0
    without = inference.fit(zoo.Model(PROGRAMS[backend], backend=backend), Y, engine="svi", num_steps=300)
    expected = logsumexp(without.log_likelihood(y[20:])) - np.log(without.draws["mu"].size)
    assert result.pointwise[20] == pytest.approx(expected, abs=1e-6)
    kept = inference.loo(fit, refits=0)
    assert 20 in kept.bad_rows
    assert "give refits=" in str(kept)


def test_folds_leave_rows_out_by_fits():
    x = RNG.normal(size=(40, 2))
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), x, "em")
    result = inference.loo(fit, folds=4, seed=3)
    expected = np.empty(40)
    for rows in np.array_split(np.random.default_rng(3).permutation(40), 4):
        partial = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), np.delete(x, rows, 0), "em")
        expected[rows] = partial.log_likelihood(x[rows])
    np.testing.assert_allclose(result.pointwise, expected, rtol=1e-8)
    assert "4 folds" in str(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [({}, "has none: give folds=5"), ({"sample_weight": np.ones(20)}, "fit without sample_weight")],
)
def test_what_cannot_be_left_out_is_refused_in_one_line(options, words):
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em", **options)
    with pytest.raises(zoo.ZooError, match=words):
        inference.loo(fit)


def leave_one_out_of(pointwise):
    N = len(pointwise)
    se = float(np.sqrt(N) * pointwise.std())
    none = np.array([], int)
    return inference.evaluation.leave_one_out.LeaveOneOut(
        pointwise.sum(), se, 0.0, 1.0, pointwise, np.zeros(N), 0.7, none
    )


def test_models_are_ranked_with_the_errors_of_their_differences():
    base, gain = RNG.normal(-900.0, 5.0, 200), RNG.normal(0.2, 0.5, 200)  # densities that underflow
    worse, better = leave_one_out_of(base), leave_one_out_of(base + gain)
    result = inference.compare_models(worse, better, names=["worse", "better"])
    assert list(result.table.index) == ["better", "worse"]
    assert result.table.loc["worse", "difference"] == pytest.approx(-gain.sum())
    assert result.table.loc["worse", "difference_se"] == pytest.approx(np.sqrt(200) * gain.std(ddof=1))
    assert result.verdict.startswith("better predicts best:")
    # the weight of stacking maximises the density of the mixture
    weights = np.linspace(0, 1, 2001)
    densities = [logsumexp(np.stack([base + gain, base]), axis=0, b=[[w], [1 - w]]).sum() for w in weights[1:-1]]
    assert result.table["weight"]["better"] == pytest.approx(weights[1:-1][np.argmax(densities)], abs=2e-3)
    same = inference.compare_models(worse, worse)
    assert "predict equally well" in same.verdict


def test_models_of_different_data_are_not_compared():
    fits = [inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), x, "em") for x in (Y[:, None], Y[:, None] + 1)]
    with pytest.raises(zoo.ZooError, match="different data"):
        inference.compare_models(*fits)
    with pytest.raises(zoo.ZooError, match="different numbers of rows"):
        inference.compare_models(leave_one_out_of(Y), leave_one_out_of(Y[1:]))
    with pytest.raises(zoo.ZooError, match="two fits or more"):
        inference.compare_models(leave_one_out_of(Y))
