"""Transforms of values by their predictive distributions given the other rows, against conjugate models."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest, nbinom, norm

import inference
import zoo
from inference.evaluation.leave_one_out.pareto import leave_one_out
from inference.evaluation.leave_one_out.pit import transforms
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from tests.test_arviz_groups import conjugate_fit
from tests.test_leave_one_out import NOISE, PRIOR_SD, Y, at_draws, posterior_of_the_mean
from tests.user_fits import fit_of, fit_with_draws

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_transforms_are_those_of_the_conjugate_model(backend):
    result = inference.loo_pit(conjugate_fit(backend, (2, 500)))
    others = [posterior_of_the_mean(np.delete(Y, n)) for n in range(len(Y))]
    exact = np.array([norm.cdf(y, m, np.hypot(NOISE, sd)) for y, (m, sd) in zip(Y, others, strict=True)])
    assert (result.k_hat < result.k_limit).all()
    error = np.sqrt(exact * (1 - exact) / 800)  # the effective number of draws of the row that counts least is 800
    assert (abs(result.values["y"] - exact) < 4 * error).all()
    assert list(result.table.index) == ["y"]
    assert len(result.plot().axes) == 1
    assert "The transforms are uniform" in str(result)


OUTLIER = 20
SDS = np.append(np.full(20, NOISE), 0.2)  # known: the last row says most of the mean, so that its weights fail


def exact_transforms(y):
    """p(a new value < y_n | the others), each."""
    transforms = []
    for n, value in enumerate(y):
        weights = np.delete(SDS, n) ** -2
        precision = PRIOR_SD**-2 + weights.sum()
        mean = weights @ np.delete(y, n) / precision
        transforms.append(norm.cdf(value, mean, np.hypot(precision**-0.5, SDS[n])))
    return np.array(transforms)


def model_of_known_sds(backend):
    library = pytest.importorskip(backend)
    Normal = library.distributions.Normal

    def program(y, sd):
        mu = library.sample("mu", Normal(0.0, PRIOR_SD))
        with library.plate("rows", len(y)):
            library.sample("y", Normal(mu, sd), obs=y)

    return zoo.Model(program, backend=backend)


def outlier_data():
    """Twenty values, and one that is two standard deviations of its predictive distribution above its mean."""
    mean, sd = posterior_of_the_mean(Y)
    return np.append(Y, mean + 2 * np.hypot(sd, SDS[OUTLIER]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_whose_weights_fail_counts_by_draws_that_are_moved(backend):
    y = outlier_data()
    precision = PRIOR_SD**-2 + (SDS**-2).sum()
    mu = np.random.default_rng(1).normal(y @ SDS**-2 / precision, precision**-0.5, (2, 500))
    fit = fit_of(zoo.read(model_of_known_sds(backend), y, SDS), {"mu": mu})
    loo, result = inference.loo(fit), inference.loo_pit(fit)
    assert list(result.matched) == list(loo.matched) == [OUTLIER]
    np.testing.assert_array_equal(result.k_hat, loo.k_hat)
    assert not result.warnings
    exact = exact_transforms(y)
    error = np.sqrt(exact * (1 - exact) / 300)  # half of the draws are of the posterior without the row, which count
    assert (abs(result.values["y"] - exact) < 4 * error).all()
    by_weights = inference.loo_pit(fit, matches=0, refits=0)
    assert list(np.flatnonzero(by_weights.k_hat > by_weights.k_limit)) == [OUTLIER]
    assert "The weights of 1 of 21 rows fail" in str(by_weights)
    np.testing.assert_array_equal(by_weights.failed["y"], by_weights.values["y"][OUTLIER:])
    legends = [r.plot().axes[0].get_legend() for r in (by_weights, result)]
    assert legends[0] is not None
    assert legends[1] is None


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_row_whose_weights_fail_is_left_out_by_a_fit(backend):
    y = outlier_data()
    fit = inference.fit(model_of_known_sds(backend), y, SDS, engine="svi", num_steps=500)
    loo, result = inference.loo(fit), inference.loo_pit(fit)
    assert OUTLIER in result.refitted
    np.testing.assert_array_equal(result.refitted, loo.refitted)
    exact = exact_transforms(y)[OUTLIER]
    assert abs(result.values["y"][OUTLIER] - exact) < 4 * np.sqrt(exact * (1 - exact) / 1000)


def test_transforms_are_uniform_for_data_from_the_model():
    """One value of each of many data sets, which are independent."""
    values = []
    for _ in range(200):
        y = RNG.normal(RNG.normal(0.0, PRIOR_SD), NOISE, 5)
        mean, sd = posterior_of_the_mean(y)
        mu = RNG.normal(mean, sd, (1, 200))
        weights = leave_one_out(at_draws(mu, y)).log_weights[:, 0]
        values.append(transforms(y, RNG.normal(mu.T, NOISE, (200, 5)), weights, 0)[0])
    assert kstest(values, "uniform").pvalue > 1e-3


def test_transforms_of_counts_are_uniform_between_the_probabilities_below_and_up_to_a_value():
    shape, mean = 2.0, 1.5
    values, inside = [], []
    for seed in range(150):
        y = RNG.poisson(RNG.gamma(shape, mean / shape), 6).astype(float)
        rate = RNG.gamma(shape + y.sum(), 1 / (shape / mean + 6), (1, 200))
        log_p = y * np.log(rate[..., None]) - rate[..., None]
        weights = leave_one_out(log_p).log_weights[:, 0]
        values.append(transforms(y, RNG.poisson(rate.T, (200, 6)).astype(float), weights, seed)[0])
        predictive = nbinom(shape + y[1:].sum(), (shape / mean + 5) / (shape / mean + 6))
        inside.append(predictive.cdf(y[0] - 1) - 0.15 < values[-1] < predictive.cdf(y[0]) + 0.15)
    assert kstest(values, "uniform").pvalue > 1e-3
    assert np.mean(inside) > 0.99
    assert len(np.unique(values)) == len(values)


def test_predictions_that_are_too_narrow_or_shifted_are_found():
    y = RNG.normal(0.0, 4 * NOISE, 200)
    mean, sd = posterior_of_the_mean(y)
    mu = RNG.normal(mean, sd, (1, 200))
    narrow = replace(conjugate_fit("pyro", (1, 200)), draws={"mu": mu}, data={"y": y})
    check = inference.predictive_check(narrow, {"mean": np.mean}, draws=20, pit=True)
    assert check.pit is not None
    assert check.pit.surprising == ["y"]
    assert "not uniform in: y" in str(check)
    far = replace(narrow, draws={"mu": mu + 3 * NOISE}, data={"y": RNG.normal(mean, NOISE, 200)})
    assert inference.loo_pit(far).surprising == ["y"]


@pytest.mark.parametrize("name", ["mixture_of_regressions", "eight_schools"])
def test_new_values_have_the_density_of_the_log_likelihood(name):
    """Labels are drawn given the parameters and effects are those of the draws: rows have no weight of their own."""
    fit = fit_with_draws(name, "pyro", shape=(1, 30))
    (values,) = inference.loo_pit(fit).values.values()
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("question", [inference.loo, inference.loo_pit])
def test_rows_with_latents_of_their_own_are_not_left_out_by_fits(question):
    """A fit to the other rows has no values of these: the warning says so."""
    fit = fit_with_draws("eight_schools", "pyro", shape=(1, 60))
    result = question(fit, matches=0)
    assert (result.k_hat > result.k_limit).any()
    assert len(result.refitted) == 0
    assert "a fit to the others has no theta_tilde of a row: integrate over it" in str(result)
    with pytest.raises(zoo.ZooError, match="a fit to the others has no theta_tilde"):
        inference.loo(fit, folds=4)


def test_columns_have_their_names_and_missing_values_no_transform():
    pd = pytest.importorskip("pandas")
    x = RNG.normal(size=(60, 2))
    x[::3, 1] = np.nan
    point = inference.fit(zoo.load("factor_analysis", "pyro", Z=1), pd.DataFrame(x, columns=["a", "b"]), "em")
    fit = replace(point, draws={n: np.broadcast_to(v, (1, 50, *v.shape)) for n, v in point.params.items()})
    result = inference.loo_pit(fit)
    assert list(result.table.index) == ["x of a", "x of b"]
    assert list(result.table["n"]) == [60, 40]
    np.testing.assert_array_equal(np.isnan(result.values["x"]), np.isnan(x))


def test_what_has_no_transforms_is_refused_in_one_line():
    words = inference.fit(zoo.load("latent_dirichlet", "pyro", K=2), [["a"], ["b"]], "gibbs", num_samples=30)
    few = conjugate_fit("pyro", (1, 1))
    cases = {
        "has none": inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em"),
        "1 are too few": few,
        "no order of words": words,
        "no program": inference.from_arviz(few.to_arviz()),
    }
    for message, fit in cases.items():
        with pytest.raises(zoo.ZooError, match=message) as caught:
            inference.loo_pit(fit)
        assert "\n" not in str(caught.value)
    with pytest.raises(zoo.ZooError, match="pit is of the posterior"):
        inference.predictive_check(conjugate_fit("pyro"), pit=True, prior=True)
