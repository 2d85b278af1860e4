"""Chains of NumPyro and Pyro: draws, comparisons with our own fits, and diagnostics that were not recorded."""

from dataclasses import replace

import numpy as np
import pytest
from fits_elsewhere import MEAN, as_mcmc, check_refusal, numpyro_mcmc, own_fit, own_guide, pyro_mcmc, schools
from synthetic import at_point, mixture, relabel

import zoo
from inference import compare, from_arviz, from_mcmc, load
from inference.draws_model import has_program
from tests.table import SLOW_IN_NUMPYRO


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_compare_is_that_of_our_own_fit_of_the_same_draws(backend):
    own, guide = own_fit(), own_guide()
    model = zoo.load("poisson_mixture", K=2, backend=backend)
    fit = from_mcmc(as_mcmc(own, backend), model=model, data=own.data)
    np.testing.assert_allclose(fit.stats["lp"], own.stats["lp"], rtol=1e-9)
    np.testing.assert_equal(fit.draws, own.draws)
    np.testing.assert_allclose(fit.log_likelihood(), own.log_likelihood(), rtol=1e-9)
    ours, theirs = compare(own, guide, names=("a", "b")), compare(fit, guide, names=("a", "b"))
    assert ours.verdicts == theirs.verdicts
    assert ours.verdict == theirs.verdict
    numbers = ours.table.select_dtypes("number")
    np.testing.assert_allclose(theirs.table[numbers.columns], numbers, rtol=1e-12, equal_nan=True)


def test_compare_without_a_program_agrees_and_aligns_labels():
    own, guide = own_fit(), own_guide()
    order = np.broadcast_to(np.arange(2), (2, 250, 2)).copy()
    order[1] = order[1, :, ::-1]
    fit = from_mcmc(as_mcmc(relabel(own, order), "numpyro"))
    assert not has_program(fit.model)
    ours, theirs = compare(own, guide, names=("a", "b")), compare(fit, guide, names=("a", "b"))
    assert theirs.verdicts["a"].trust == ours.verdicts["a"].trust
    np.testing.assert_allclose(theirs.table["mean"], ours.table["mean"], rtol=1e-12)
    assert np.isnan(theirs.fits_table.loc["a", "log_likelihood"])
    assert theirs.fits_table.loc["b", "log_likelihood"] == ours.fits_table.loc["b", "log_likelihood"]


def check_moments(fit):
    """Posterior means within four Monte Carlo errors of the closed form."""
    table = fit.summary().loc[["beta[0]", "beta[1]"]]
    error = table["sd"] / np.sqrt(table["ess_bulk"])
    assert (np.abs(table["mean"] - MEAN) < 4 * error).all()


def test_numpyro_chains_of_a_regression():
    fit = from_mcmc(numpyro_mcmc())
    assert fit.kind == "chains"
    assert fit.engine == "NUTS"
    assert fit.model.name == "numpyro_regression"
    assert fit.draws["beta"].shape == (2, 500, 2)
    assert fit.stats["num_steps"].shape == (2, 500)
    assert fit.diagnostics["divergences"] == int(fit.stats["diverging"].sum())
    check_moments(fit)
    np.testing.assert_allclose(fit.draws["slope"], fit.draws["beta"][..., 1], rtol=1e-6)


def test_pyro_chains_of_a_regression():
    fit = from_mcmc(pyro_mcmc(), name="regression")
    assert fit.model.name == "regression"
    assert fit.draws["beta"].shape == (1, 400, 2)
    assert fit.stats["diverging"].shape == (1, 400)
    check_moments(fit)


def test_two_languages_are_compared_on_common_names():
    c = compare(from_mcmc(numpyro_mcmc()), from_mcmc(pyro_mcmc()))
    assert list(c.fits) == ["NUTS (numpyro)", "NUTS (pyro)"]
    assert set(c.table["quantity"]) == {"beta[0]", "beta[1]"}
    assert any("slope is not compared" in warning for warning in c.warnings)
    assert "NUTS" in str(c)


def test_a_comparison_with_a_fit_without_a_program_is_written_as_a_page(tmp_path):
    a, b = from_mcmc(numpyro_mcmc()), from_mcmc(numpyro_mcmc())
    page = compare(a, b).save(tmp_path / "report.html").read_text()
    assert "The data is not recorded" in page
    assert "made elsewhere, by NUTS" in page


def test_a_fit_without_a_program_is_saved_and_loaded(tmp_path):
    fit = from_mcmc(numpyro_mcmc())
    again = load(fit.save(tmp_path / "fit"))
    check_refusal("saved without a program", lambda: load(tmp_path / "fit", model=zoo.load("poisson_mixture", K=2)))
    assert repr(again) == repr(fit)
    assert type(again.diagnostics) is type(fit.diagnostics)
    assert dict(again.diagnostics) == dict(fit.diagnostics)
    for group in ("params", "draws", "stats"):
        np.testing.assert_equal(getattr(again, group), getattr(fit, group))
    assert again.to_arviz().attrs == fit.to_arviz().attrs


def test_divergences_that_were_not_recorded_are_said_to_be_unknown():
    fit = from_arviz(schools(4, whole_numbers=False))
    assert "divergences" not in fit.diagnostics
    c = compare(fit, fit)
    assert all("divergences not recorded" in v.explanation for v in c.verdicts.values())
    assert c.fits_table["divergences"].isna().all()


def test_convergence_that_was_not_recorded_is_said_to_be_unknown():
    point = from_arviz(at_point(mixture("nuts", shape=(2, 50))).to_arviz())
    c = compare(point, mixture("nuts", shape=(2, 200)), names=("point", "nuts"))
    assert "whether it converged is not recorded" in c.verdicts["point"].explanation


def test_energies_that_were_recorded_give_their_fraction():
    own = own_fit()
    energy = np.random.default_rng(0).normal(size=own.stats["lp"].shape)
    tree = replace(own, stats={**own.stats, "energy": energy}).to_arviz()
    fractions = np.square(np.diff(energy)).mean(1) / energy.var(1)
    np.testing.assert_allclose(from_arviz(tree).diagnostics["e_bfmi"], fractions, rtol=2 / energy.shape[1])
