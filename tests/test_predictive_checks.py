"""Predictive checks, against the exact predictive distributions of a conjugate model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

import inference
import zoo
from tests.test_leave_one_out import NOISE, PRIOR_SD, PROGRAMS, Y, posterior_of_the_mean

MEAN = {"mean": np.mean}


@pytest.fixture(scope="module", params=["numpyro", "pyro"])
def conjugate(request):
    """A fit whose draws are those of the posterior."""
    model = zoo.read(zoo.Model(PROGRAMS[request.param], backend=request.param), Y)
    fit = inference.fit(model, engine="svi", num_steps=1, num_draws=10)
    mean, sd = posterior_of_the_mean(Y)
    draws = np.random.default_rng(1).normal(mean, sd, (2, 300))
    return replace(fit, draws={"mu": draws})


def check_normal(values, mean, sd):
    """The values are draws of a normal distribution, by their mean and spread."""
    assert abs(np.mean(values) - mean) < 4 * sd / np.sqrt(len(values))
    assert abs(np.std(values) / sd - 1) < 4 / np.sqrt(2 * len(values))


def test_replicates_of_the_posterior_have_its_predictive_distribution(conjugate):
    check = inference.predictive_check(conjugate, MEAN, draws=600)
    mean, sd = posterior_of_the_mean(Y)
    check_normal(check.draws["mean"], mean, np.hypot(sd, NOISE / np.sqrt(len(Y))))
    assert check.table.loc["mean", "observed"] == pytest.approx(Y.mean())
    assert check.surprising == []


def test_replicates_of_the_prior_have_its_predictive_distribution(conjugate):
    check = inference.predictive_check(conjugate, MEAN, draws=600, prior=True)
    check_normal(check.draws["mean"], 0.0, np.hypot(PRIOR_SD, NOISE / np.sqrt(len(Y))))


def test_p_values_of_the_prior_are_uniform_under_the_model():
    rng = np.random.default_rng(2)
    fit = inference.fit(zoo.Model(PROGRAMS["pyro"], backend="pyro"), Y, engine="svi", num_steps=1, num_draws=10)
    p = []
    for seed in range(60):
        y = rng.normal(rng.normal(0.0, PRIOR_SD), NOISE, len(Y))
        check = inference.predictive_check(replace(fit, data={"y": y}), MEAN, draws=49, seed=seed, prior=True)
        p.append(check.table.loc["mean", "p"])
    assert kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
def test_a_model_that_lacks_the_dispersion_of_counts_is_found(backend):
    y = np.random.default_rng(3).poisson(np.repeat([2.0, 15.0], 60))
    one, two = (inference.fit(zoo.load("poisson_mixture", backend, K=K), y, "em") for K in (1, 2))
    assert "variance / mean" in inference.predictive_check(one, draws=200).surprising
    assert inference.predictive_check(two, draws=200).surprising == []


def test_columns_have_their_names_and_missing_values_are_missing_in_replicates():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 2))
    x[::3, 1] = np.nan
    fit = inference.fit(zoo.load("factor_analysis", "pyro", Z=1), pd.DataFrame(x, columns=["a", "b"]), "em")
    check = inference.predictive_check(
        fit, {"mean": lambda x: np.nanmean(x, 0), "missing": lambda x: np.isnan(x).sum()}
    )
    assert list(check.table.index) == ["mean of a", "mean of b", "missing"]
    assert (check.draws["missing"] == 20).all()
    assert "looks like the data" in str(check)
    assert len(check.plot().axes) >= 3


def test_sequences_have_the_correlation_of_neighbouring_steps():
    rng = np.random.default_rng(5)
    z = np.cumsum(rng.normal(size=(3, 30, 1)), 1)
    fit = inference.fit(zoo.load("linear_dynamical_system", "pyro", structure="local_level"), z, "em", max_iter=50)
    check = inference.predictive_check(fit, draws=100)
    assert "autocorrelation" in check.table.index


@pytest.mark.parametrize(
    ("statistics", "words"),
    [({"broken": lambda x: x @ "a"}, "the statistic 'broken' fails on data of shape"), ({"": None}, "fails on data")],
)
def test_a_statistic_that_fails_is_named(statistics, words):
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em")
    with pytest.raises(zoo.ZooError, match=words) as caught:
        inference.predictive_check(fit, statistics, draws=2)
    assert "\n" not in str(caught.value)


def test_documents_are_refused():
    fit = inference.fit(zoo.load("latent_dirichlet", "pyro", K=2), [["a", "b"], ["b", "c"]], "em", max_iter=2)
    with pytest.raises(zoo.ZooError, match="no statistics of documents"):
        inference.predictive_check(fit)
