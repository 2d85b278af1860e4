"""Guides reweighted by importance sampling, against closed forms, and the verdicts on them."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import at_point, chains_of, correlated, guide_of

import inference
import zoo
from inference import compare, judge
from inference.diagnostics import ImportanceDiagnostics
from inference.evaluation.refits import fit_again
from inference.plots import reproduce
from inference.summaries.importance import effective_draws, resample
from inference.summaries.statistics import copies_size
from zoo import ZooError

ROUND = np.eye(2)
Y = np.array([1.0, -2.0])
RHO = 0.4


def means_in_numpyro(y):
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    theta = numpyro.sample("theta", dist.Normal(0.0, 2.0).expand([2]).to_event(1))
    numpyro.deterministic("difference", theta[0] - theta[1])
    numpyro.sample("y", dist.MultivariateNormal(theta, jnp.array([[1.0, RHO], [RHO, 1.0]])), obs=y)


def means_in_pyro(y):
    import pyro
    import torch
    from pyro import distributions as dist

    theta = pyro.sample("theta", dist.Normal(0.0, 2.0).expand([2]).to_event(1))  # type: ignore[attr-defined]
    pyro.deterministic("difference", theta[0] - theta[1])
    pyro.sample("y", dist.MultivariateNormal(theta, torch.tensor([[1.0, RHO], [RHO, 1.0]], dtype=theta.dtype)), obs=y)


PROGRAMS = {"numpyro": means_in_numpyro, "pyro": means_in_pyro}


@pytest.fixture(scope="module", params=["numpyro", "pyro"])
def mean_field(request):
    """A guide without the correlation, and the mean and covariance of the posterior."""
    model = zoo.Model(PROGRAMS[request.param], backend=request.param)
    steps = {"num_steps": 300, "learning_rate": 0.03}
    fit = inference.fit(model, Y, engine="svi", guide="mean_field", dtype="float64", num_draws=200, **steps)
    covariance = np.linalg.inv(np.linalg.inv(correlated(RHO)) + ROUND / 4)
    return fit, covariance @ np.linalg.solve(correlated(RHO), Y), covariance


def test_reweighted_draws_of_a_guide_without_correlation_are_the_posterior(mean_field):
    fit, mean, covariance = mean_field
    r = inference.reweight(fit, num_draws=1200)
    x, sd = r.draws["theta"][0], np.sqrt(np.diag(covariance))
    size, tail = copies_size(x, r.stats["source"][0])
    assert r.diagnostics["is_new"]
    assert len(x) == r.diagnostics["num_weights"] == 1200
    assert r.diagnostics["effective_draws"] < 1100  # the guide is narrow
    assert (np.abs(x.mean(0) - mean) < 4 * sd / np.sqrt(size)).all()
    # the variance of a variance is (kurtosis - 1) / n: 2 / n of a normal
    assert (np.abs(x.var(0) / sd**2 - 1) < 4 * np.sqrt(2 / np.minimum(size, tail))).all()
    correlation = covariance[0, 1] / sd[0] ** 2
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(correlation, abs=4 * (1 - correlation**2) / np.sqrt(size.min()))
    np.testing.assert_allclose(r.draws["difference"][0], x[:, 0] - x[:, 1])
    np.testing.assert_allclose(r.params["theta"], x.mean(0))
    # the log evidence of y, normal with the sum of both covariances
    total = correlated(RHO) + 4 * ROUND
    evidence = -0.5 * (Y @ np.linalg.solve(total, Y) + np.linalg.slogdet(2 * np.pi * total)[1])
    assert abs(r.diagnostics["bound"] - evidence) < 4 * r.diagnostics["bound_se"]


def test_new_draws_are_those_of_the_guide(mean_field):
    fit, _, _ = mean_field
    kept = inference.reweight(replace(fit, options={**fit.options, "guide": "a name that is not a family"}))
    assert not kept.diagnostics["is_new"]
    new = inference.reweight(fit, num_draws=300, seed=3)
    same = inference.reweight(fit, num_draws=300, seed=3)
    np.testing.assert_array_equal(new.draws["theta"], same.draws["theta"])
    assert not np.isin(new.draws["theta"], fit.draws["theta"]).any()
    # lp is the log joint at the same values, up to one constant
    x = np.concatenate([new.draws["theta"][0], fit.draws["theta"][0]])
    ours = np.concatenate([new.stats["lp"][0], fit.stats["lp"][0]])
    log_joint = -0.5 * np.einsum("ni,ij,nj->n", Y - x, np.linalg.inv(correlated(RHO)), Y - x) - (x**2).sum(1) / 8
    np.testing.assert_allclose(ours - ours[0], log_joint - log_joint[0], atol=1e-8)


def test_a_reweighted_fit_is_saved_exported_judged_and_drawn_from(mean_field, tmp_path):
    fit, _, _ = mean_field
    r = inference.reweight(fit, num_draws=2000)
    loaded = inference.load(r.save(tmp_path / "fit"), model=fit.model.source)
    assert isinstance(loaded.diagnostics, ImportanceDiagnostics)
    assert loaded.diagnostics == r.diagnostics
    np.testing.assert_array_equal(loaded.draws["theta"], r.draws["theta"])
    assert judge(loaded) == judge(r)
    assert judge(r).trust == "yes"
    assert "worth" in judge(r).explanation
    assert r.engine == "svi, reweighted"
    assert set(r.summary().columns) >= {"mean", "sd"}
    tree = r.to_arviz()
    assert tree.attrs["engine"] == "svi, reweighted"
    assert "source" in tree.sample_stats
    assert "inference.reweight(inference.fit(model, data, 'svi'" in reproduce.fit_call(r)
    c = compare(fit, r)
    assert c.reference == c.best == "svi, reweighted (mean_field)"
    table = c.table
    error = table[(table["fit"] == c.best) & (table["quantity"] == "theta[0]")].iloc[0]
    assert error["ess_bulk"] <= r.diagnostics["effective_draws"]
    assert error["mean_se"] == pytest.approx(error["sd"] / np.sqrt(error["ess_bulk"]))


def test_a_fit_to_other_data_is_reweighted_too(mean_field):
    r = inference.reweight(mean_field[0], num_draws=300)
    again = fit_again(r, r.model, Y + 1)
    assert again.engine == "svi, reweighted"
    assert again.draws["theta"].shape == (1, 300, 2)
    assert again.params["theta"][0] > r.params["theta"][0]


def test_constant_weights_change_nothing():
    fit = guide_of(ROUND, ROUND, "full_rank")
    r = inference.reweight(fit, num_draws=2000)
    np.testing.assert_array_equal(r.draws["mu"], fit.draws["mu"])
    assert r.diagnostics["k_hat"] == 0
    assert r.diagnostics["effective_draws"] == pytest.approx(2000)
    assert r.diagnostics["distinct_draws"] == 2000
    assert judge(r).trust == "yes"


def test_the_size_of_copies_is_that_of_repeated_samples():
    # the variance of weighted means over many data sets, beside the size that each claims
    rng = np.random.default_rng(0)
    errors, sizes = [], []
    for seed in range(400):
        x = rng.normal(0, 0.8, size=500)
        weights = np.exp(-0.5 * x**2 + 0.5 * x**2 / 0.64)
        source = resample(weights / weights.sum(), 500, seed)
        errors.append(x[source].mean())
        sizes.append(copies_size(x[source][:, None], source)[0][0])
    claimed, found = np.mean(1 / np.array(sizes)), np.var(errors)
    assert found == pytest.approx(claimed, rel=4 * np.sqrt(2 / 400))


def test_shifts_and_wrong_correlations_are_mended_and_the_advice_says_so():
    # each has weights with a variance: the guide is no narrower than the posterior by half
    cases = [
        guide_of(ROUND, ROUND, "full_rank", shift=(0.6, 0.0)),
        guide_of(correlated(0.5), correlated(-0.1), "mean_field"),
        guide_of(ROUND, 4 * ROUND, "full_rank"),
    ]
    covariances = [ROUND, correlated(0.5), ROUND]
    advised = 0
    for guide, covariance in zip(cases, covariances, strict=True):
        before, r = judge(guide), inference.reweight(guide)
        assert judge(r).trust == "yes"
        assert (
            compare(r, chains_of(covariance)).verdicts["svi, reweighted (" + guide.options["guide"] + ")"].trust
            == "yes"
        )
        if before.trust != "yes":
            advised += "reweighted by inference.reweight(fit), it may be used" in before.explanation
            beside = compare(guide, chains_of(covariance)).verdicts[f"svi ({guide.options['guide']})"]
            assert "inference.reweight(fit)" in beside.explanation
    assert advised >= 2


def test_a_guide_of_half_the_width_is_not_mended_and_the_advice_is_silent():
    for seed in range(5):
        guide = guide_of(ROUND, 0.2 * ROUND, "full_rank", seed=seed)
        assert "inference.reweight" not in judge(guide).explanation
        assert "inference.reweight" not in compare(guide, chains_of(ROUND)).verdict
        assert judge(inference.reweight(guide)).trust in ("no", "unclear")


def test_a_high_k_hat_is_refused_with_what_would_work():
    # weights of a heavy tail: log weights are exponential with mean 1, k = 1
    guide = guide_of(ROUND, ROUND, "mean_field")
    heavy = {**guide.stats, "log_weight": np.random.default_rng(0).exponential(1.0, (1, 2000))}
    r = inference.reweight(replace(guide, stats=heavy))
    verdict = judge(r)
    assert r.diagnostics["k_hat"] > 0.7
    assert verdict.trust == "no"
    assert "run nuts" in verdict.explanation
    assert "full_rank" in verdict.explanation


def test_weights_that_lack_mass_found_by_another_guide_are_refused():
    first = guide_of(ROUND, ROUND, "full_rank")
    other = replace(first, stats={**first.stats, "log_weight": first.stats["log_weight"] + 0.5})
    c = compare(inference.reweight(first), other, names=["less", "more"])
    assert c.verdicts["less"].trust == "no"
    assert "39% more mass" in c.verdicts["less"].explanation


def test_the_copies_of_a_draw_are_in_one_half():
    source = resample(np.array([0.5, 0.25, 0.0, 0.25]), 8, seed=0)
    np.testing.assert_array_equal(np.bincount(source, minlength=4), [4, 2, 0, 2])
    assert effective_draws(np.full(10, 0.1)) == pytest.approx(10)
    bulk, tail = copies_size(np.repeat(np.arange(100.0), 3)[:, None], np.repeat(np.arange(100), 3))
    assert bulk[0] == pytest.approx(100)
    assert tail[0] == pytest.approx(100)


def test_refusals_are_one_line():
    guide = guide_of(ROUND, ROUND)
    nan = replace(guide, stats={**guide.stats, "log_weight": np.full((1, 2000), np.nan)})
    none = replace(guide, stats={"lp": guide.stats["lp"]})
    few = replace(guide, stats={**guide.stats, "log_weight": np.where(np.arange(2000) < 10, 0.0, -np.inf)[None]})
    cases = [
        (lambda: inference.reweight(chains_of(ROUND)), "a fit by nuts has none"),
        (lambda: inference.reweight(at_point(guide)), "a fit by em has none"),
        (lambda: inference.reweight(none), "a fit by svi has none"),
        (lambda: inference.reweight(guide, num_draws=1), "whole number from 25"),
        (lambda: inference.reweight(nan), "2000 of 2000 draws is not a number"),
        (lambda: inference.reweight(few), "10 of 2000 draws have a weight"),
        (lambda: inference.reweight(inference.reweight(guide)), "reweighted already"),
        (lambda: inference.reweight("svi"), "takes a fit"),  # type: ignore[arg-type]
        (lambda: inference.reweight(guide, seed=-1), "seed"),
    ]
    for call, message in cases:
        with pytest.raises(ZooError, match=message) as error:
            call()
        assert "\n" not in str(error.value)
