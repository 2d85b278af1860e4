"""Information criteria by hand, and the bootstrap likelihood-ratio test: its statistics, its power, its p-values."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

import zoo
from inference import choose, fit
from inference.engines.em.uncertainty import request_of
from inference.evaluation.selection.likelihood_ratio import compute_test, fit_tables, simulate_tables
from tests.table import BACKENDS

MIXTURE = zoo.load("gaussian_mixture", "pyro", covariance="tied")
COUNTS = zoo.load("poisson_mixture", "pyro")


def clusters(distance, N=60, D=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)) + distance * (np.arange(N) % 2)[:, None]


@pytest.fixture(scope="module")
def separated():
    options: dict[str, Any] = {"bootstrap": 19, "workers": 1, "restarts": 2, "tol": 1e-5}
    return choose(MIXTURE, clusters(5.0), K=range(1, 4), criterion="blrt", **options)


def test_criteria_are_those_of_their_definitions(separated):
    for K, one in separated.fits.items():
        p = K - 1 + 2 * K + 3
        deviance = -2 * one.log_likelihood().sum()
        expected = {
            "bic": deviance + p * np.log(60),
            "aic": deviance + 2 * p,
            "caic": deviance + p * (np.log(60) + 1),
            "sabic": deviance + p * np.log(62 / 24),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(separated.table.loc[K, name], value, rtol=1e-9)


def test_separated_clusters_are_found_and_no_more(separated):
    assert separated.sizes["blrt"] == 2
    assert separated.best is separated.fits[2]
    assert np.isnan(separated.table.loc[1, "blrt"])
    assert separated.table.loc[2, "blrt"] == 1 / 20
    assert separated.table.loc[3, "blrt"] > 0.05
    test = separated.blrt[2]
    L = separated.table["log_likelihood"]
    np.testing.assert_allclose(test.statistic, 2 * (L[2] - L[1]))
    assert test.simulated.shape == (19,)
    assert (test.simulated > -1e-2).all(), "the larger model has the smaller one in it, and tol is 6e-4 nats"
    figure = separated.figure()
    assert "bootstrap test: K = 2" in [axes.get_title() for axes in figure.axes]
    figure.canvas.draw()


@pytest.mark.parametrize("backend", BACKENDS)
def test_refits_are_ordinary_fits(backend):
    """The closed form that takes one data set after another, compiled once, ends where a fit of each ends."""
    model = zoo.load("poisson_mixture", backend)
    x = np.random.default_rng(1).poisson(4.0, size=40).astype(float)
    two = fit(model.with_settings(K=2), x, "em", tol=1e-6)
    tables = simulate_tables(two, 3, seed=5)
    values = fit_tables((request_of(two),), (None, "cpu"), tables, [7, 8, 9])[:, 0]
    for table, seed, value in zip(tables, [7, 8, 9], values, strict=True):
        again = fit(two.fitted_model, table["x"], "em", tol=1e-6, seed=seed)
        np.testing.assert_allclose(value, again.trace[-1], rtol=1e-12)


def test_refits_of_the_general_m_step_and_of_factor_models():
    x = clusters(3.0, N=30, D=3)
    cases: list[tuple[zoo.Model, dict[str, Any]]] = [
        (zoo.load("latent_class", "pyro", K=2), {"closed_form": False, "max_iter": 5}),
        (zoo.load("probabilistic_pca", "pyro", Z=1), {}),
    ]
    for model, options in cases:
        data = (x > 1.5).astype(float) if model.name == "latent_class" else x.copy()
        data[0], data[1, 1] = np.nan, np.nan
        one = fit(model, data, "em", **options)
        (table,) = simulate_tables(one, 1, seed=3)
        assert (np.isnan(table["x"]) == np.isnan(data)).all()
        value = fit_tables((request_of(one),), (None, "cpu"), [table], [4])[0, 0]
        again = fit(one.fitted_model, table["x"], "em", seed=4, **options)
        np.testing.assert_allclose(value, again.trace[-1], rtol=1e-9)


def test_a_seed_gives_one_p_value():
    x = np.random.default_rng(1).poisson(4.0, size=40).astype(float)
    choices = [choose(COUNTS, x, K=(1, 2), bootstrap=2, workers=1, seed=seed, max_iter=20) for seed in (0, 0, 1)]
    first, second, other = (choice.blrt[2].simulated for choice in choices)
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert choices[0].best.options["restarts"] == 5


def test_a_refit_without_a_maximum_cannot_lower_the_p_value(monkeypatch):
    x = np.random.default_rng(1).poisson(4.0, size=40).astype(float)
    one, two = (fit(COUNTS.with_settings(K=K), x, "em", max_iter=20) for K in (1, 2))
    monkeypatch.setattr(
        "inference.evaluation.selection.likelihood_ratio.fit_tables",
        lambda *job: np.array([[-10.0, np.nan], [-10.0, -9.0]]),
    )
    test = compute_test(one, replace(two, diagnostics=two.diagnostics.replace(log_likelihood=1e9)), 2, 0, 1)
    assert test.simulated.tolist() == [np.inf, 2.0]
    assert test.p_value == 2 / 3


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"K": (1, 3), "criterion": "blrt"}, "sizes that follow each other"),
        ({"K": (1, 2), "bootstrap": 0}, "bootstrap is a whole number from 1 up"),
        ({"K": (1, 2), "bootstrap": 2, "workers": 0}, "workers is a whole number from 1 up"),
        ({"K": (1, 2), "bootstrap": 2, "sample_weight": np.ones(40)}, "leave sample_weight out"),
        ({"K": (1, 2), "criterion": "blr"}, "did you mean 'blrt'"),
    ],
)
def test_errors_name_what_is_allowed(options, line):
    x = np.random.default_rng(1).poisson(4.0, size=40).astype(float)
    with pytest.raises(zoo.ZooError, match=line) as caught:
        choose(COUNTS, x, max_iter=5, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_p_values_are_uniform_under_the_smaller_model():
    """The statistic of one normal against two does not depend on mean and variance, so that the test is exact."""
    samples, trials = 9, 50
    p_values = []
    for trial in range(trials):
        x = np.random.default_rng(trial).normal(7.0, 3.0, size=(25, 1))
        one, two = (fit(MIXTURE.with_settings(K=K), x, "em", seed=trial, max_iter=30) for K in (1, 2))
        p_values.append(compute_test(one, two, samples, 1000 + trial, 1).p_value)
    ranks = np.rint(np.array(p_values) * (samples + 1)).astype(int)
    counts = np.bincount(ranks, minlength=samples + 2)[1:]
    assert counts.sum() == trials
    expected = trials / (samples + 1)
    assert ((counts - expected) ** 2 / expected).sum() < chi2(samples).ppf(0.999)


@pytest.mark.slow
def test_processes_make_no_difference():
    x = np.random.default_rng(1).poisson(4.0, size=40).astype(float)
    one, two = (fit(COUNTS.with_settings(K=K), x, "em") for K in (1, 2))
    tests = [compute_test(one, two, 5, 0, workers) for workers in (1, 2)]
    np.testing.assert_array_equal(tests[0].simulated, tests[1].simulated)
