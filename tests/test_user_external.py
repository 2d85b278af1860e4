"""Fits made elsewhere of users' own programs: read with its arguments, the program gives what our own fit has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import zoo
from inference import compare, from_arviz, from_mcmc, from_svi
from tests.user_fits import fit_with_draws
from tests.user_programs import BY_NAME
from zoo import ZooError

BACKENDS = ("numpyro", "pyro")


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    return request.param


def program_of(name, backend):
    return zoo.Model(BY_NAME[name].load(backend), backend=backend)


@pytest.mark.parametrize("name", ["plated_regression", "mixture_of_regressions", "item_response"])
def test_draws_with_an_unread_program(name, backend):
    own = fit_with_draws(name, backend, shape=(2, 20))
    args, kwargs = BY_NAME[name].arguments()
    tree = own.to_arviz()
    fit = from_arviz(tree, *args, model=program_of(name, backend), **kwargs)
    assert fit.model.card.latents.keys() == own.model.card.latents.keys()
    for latent in own.draws:
        np.testing.assert_allclose(fit.draws[latent], own.draws[latent])
    ours, theirs = (f.log_likelihood(kind="conditional") for f in (own, fit))
    for site in ours:
        np.testing.assert_allclose(ours[site], theirs[site])
    lp = own.model.log_joint({n: v[1, 2] for n, v in own.draws.items()}) if not own.model.card.enumerated else None
    if lp is not None:
        assert fit.stats["lp"][1, 2] == pytest.approx(lp, rel=1e-9)
    else:  # labels are summed out of the log joint
        assert np.isfinite(fit.stats["lp"]).all()


def test_a_slash_in_a_name_is_a_dot_in_a_tree(backend):
    name = "bayesian_network"
    own = fit_with_draws(name, backend, shape=(2, 20))
    args, kwargs = BY_NAME[name].arguments()
    tree = own.to_arviz()
    assert not any("/" in str(n) for n in (*tree["posterior"].dataset, *tree["posterior"].dataset.dims))
    fit = from_arviz(tree, *args, model=program_of(name, backend), **kwargs)
    for latent in own.draws:
        np.testing.assert_array_equal(fit.draws[latent], own.draws[latent])


def test_comparison_equals_that_of_our_own_fit(backend):
    (x,), data = BY_NAME["plated_regression"].arguments()
    own = fit_with_draws("plated_regression", backend, shape=(2, 100))
    theirs = from_arviz(own.to_arviz(), x, model=program_of("plated_regression", backend), **data)
    own = replace(own, model=theirs.model, stats=theirs.stats, diagnostics=theirs.diagnostics)
    both = compare(own, theirs, names=["own", "theirs"])
    pd.testing.assert_series_equal(
        both.fits_table.loc["own"].drop("engine", errors="ignore"),
        both.fits_table.loc["theirs"].drop("engine", errors="ignore"),
        check_names=False,
    )


def test_data_by_name_and_a_read_program(backend):
    own = fit_with_draws("plated_regression", backend, shape=(2, 20))
    (x,), data = BY_NAME["plated_regression"].arguments()
    tree, model = own.to_arviz(), program_of("plated_regression", backend)
    by_name = from_arviz(tree, model=model, data={"x": x, **data})
    read = from_arviz(tree, model=zoo.read(model, x, **data))
    np.testing.assert_array_equal(by_name.stats["lp"], read.stats["lp"])
    np.testing.assert_array_equal(by_name.posterior_predictive()["y"], read.posterior_predictive()["y"])


def test_deterministic_sites_are_computed(backend):
    own = fit_with_draws("linear_regression", backend, shape=(1, 20))
    (X, *rest), data = BY_NAME["linear_regression"].arguments()
    fit = from_arviz(own.to_arviz(), X, *rest, model=program_of("linear_regression", backend), **data)
    expected = fit.draws["alpha"][..., None] + fit.draws["beta"] @ X.T
    np.testing.assert_allclose(fit.draws["mean"], expected)
    np.testing.assert_allclose(fit.params["mean"], expected.mean((0, 1)))


def test_a_guide_of_numpyro():
    import jax
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.infer.autoguide import AutoNormal
    from numpyro.optim import Adam

    (x,), data = BY_NAME["plated_regression"].arguments()
    program = BY_NAME["plated_regression"].load("numpyro")
    svi = SVI(program, AutoNormal(program), Adam(0.05), Trace_ELBO())
    result = svi.run(jax.random.PRNGKey(0), 300, x, data["y"], progress_bar=False)
    fit = from_svi(svi, x, data["y"], params=result, num_draws=100, model=zoo.Model(program, backend="numpyro"))
    assert fit.kind == "guide"
    gram = x.T @ x / 0.25 + np.eye(3)
    mean, sd = np.linalg.solve(gram, x.T @ data["y"] / 0.25), np.sqrt(1 / np.diag(gram))
    assert np.abs(fit.params["b"] - mean).max() < 4 * sd.max() / np.sqrt(100) + 0.05
    assert fit.log_likelihood(kind="conditional")["y"].shape == (1, 100, 25)


def test_chains_of_numpyro():
    import jax
    from numpyro.infer import MCMC, NUTS

    (x,), data = BY_NAME["plated_regression"].arguments()
    program = BY_NAME["plated_regression"].load("numpyro")
    mcmc = MCMC(NUTS(program), num_warmup=100, num_samples=100, progress_bar=False)
    mcmc.run(jax.random.PRNGKey(0), x, data["y"])
    fit = from_mcmc(mcmc, x, data["y"], model=zoo.Model(program, backend="numpyro"))
    assert fit.draws["b"].shape == (1, 100, 3)
    assert set(fit.to_arviz()["log_likelihood"].dataset) == {"y"}


def test_drawn_discrete_latents_have_a_conditional_likelihood():
    own = fit_with_draws("coal_mining", "numpyro", shape=(1, 20))
    tau = np.random.default_rng(0).integers(1, 39, (1, 20))
    tree = replace(own, draws={**own.draws, "tau": tau}).to_arviz()
    (disasters,), _ = BY_NAME["coal_mining"].arguments()
    fit = from_arviz(tree, disasters, model=program_of("coal_mining", "numpyro"))
    assert fit.log_likelihood(kind="conditional")["disasters"].shape == (1, 20, 40)
    rate = np.where(tau[..., None] > np.arange(40), fit.draws["early"][..., None], fit.draws["late"][..., None])
    expected = disasters * np.log(rate) - rate
    likelihood = fit.log_likelihood(kind="conditional")["disasters"]
    np.testing.assert_allclose(likelihood - likelihood[:, :1], expected - expected[:, :1], atol=1e-9)


def test_refusals(backend):
    own = fit_with_draws("plated_regression", backend)
    (x,), data = BY_NAME["plated_regression"].arguments()
    tree, model = own.to_arviz(), program_of("plated_regression", backend)
    with pytest.raises(ZooError, match="arguments of the program"):
        from_arviz(tree, model=model)
    with pytest.raises(ZooError, match="give model="):
        from_arviz(tree, x)
    with pytest.raises(ZooError, match="modle"):
        from_arviz(tree, modle=model)
    with pytest.raises(ZooError, match="needs y"):
        from_arviz(tree, x, model=model)
    with pytest.raises(ZooError, match="has the shape"):
        from_arviz(tree, x[:, :2], model=model, **data)


@pytest.fixture(scope="module")
def regression():
    """Our own chains of two named coefficients, and a deterministic slope."""
    import numpyro
    import numpyro.distributions as dist

    import inference

    def slopes(X, y):
        b = numpyro.sample("b", dist.Normal(0.0, 2.0).expand([2]).to_event(1))
        numpyro.deterministic("slope", b[1])
        with numpyro.plate("rows", len(X)):
            numpyro.sample("y", dist.Normal(X @ b, 1.0), obs=y)

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = X @ [1.0, 2.0] + rng.normal(size=30)
    names = {"dims": {"b": ["covariate"]}, "coords": {"covariate": [7, "dose"]}}  # a label may be a number
    model = zoo.Model(slopes, backend="numpyro")
    return inference.fit(model, X, y, engine="nuts", num_warmup=100, num_samples=150, num_chains=2, **names)


def test_deterministic_sites_and_labels_are_compared_beside_a_tree(regression):
    ours = compare(regression, regression)
    beside_tree = compare(regression, from_arviz(regression.to_arviz()))
    for comparison in (ours, beside_tree):
        assert list(dict.fromkeys(comparison.table["quantity"])) == ["b[7]", "b[dose]", "slope"]
    np.testing.assert_allclose(ours.table["mean"], beside_tree.table["mean"])


def test_a_verdict_names_entries_by_their_labels(regression):
    short = replace(regression, draws={n: v[:, :20] for n, v in regression.draws.items()})
    short = replace(short, stats={n: v[:, :20] for n, v in short.stats.items()})
    comparison = compare(short, short)
    assert "b[7]" in str(comparison) or "b[dose]" in str(comparison)
    assert "b[0]" not in str(comparison)


def test_chains_of_what_is_learned_are_not_advised(regression):
    from inference.evaluation.comparison import explanation
    from inference.evaluation.comparison.record import VerdictInput

    statistics = next(iter(compare(regression, regression).statistics.values()))
    learned = VerdictInput("svi", {}, True, statistics, (), ("mu", "tau"))
    assert explanation.run_chains(learned) == "give mu and tau a prior and run nuts"
    assert explanation.run_chains(replace(learned, learned=())) == "run nuts"
