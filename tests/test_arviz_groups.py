"""Groups of ArviZ trees that are asked for: priors, predictive draws, unconstrained draws, kinds of likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import inference
import zoo
from inference.exact import given_model
from tests.table import BACKENDS
from tests.test_leave_one_out import NOISE, PRIOR_SD, PROGRAMS, Y, posterior_of_the_mean
from tests.user_fits import fit_of, fit_with_draws
from zoo import ZooError
from zoo._backend import backend_of, in_backend

OWN = (  # elementwise, masked, hierarchical, with factors, with labels
    "plated_regression",
    "masked_regression",
    "eight_schools",
    "rat_tumours",
    "stochastic_volatility",
    "item_response",
    "mixture_of_regressions",
    "dawid_skene",
)
ZOO = {
    "gaussian_mixture": {"K": 2},
    "factor_analysis": {"Z": 1},
    "hidden_markov": {"K": 2},
    "linear_dynamical_system": {"Z": 1},
    "switching_lds": {"K": 2, "Z": 1},
}
COMPILED_FAST = ("eight_schools", "rat_tumours", "mixture_of_regressions")
CASES = [
    pytest.param(name, backend, marks=pytest.mark.slow if backend == "numpyro" and name not in COMPILED_FAST else ())
    for name in (*OWN, *ZOO)
    for backend in BACKENDS
]


def own_fit(name, backend):
    if name != "rat_tumours":
        return fit_with_draws(name, backend)
    from tests.user_programs import BY_NAME  # its prior is improper: values of the support

    model = zoo.read(zoo.Model(BY_NAME[name].load(backend), backend=backend), *BY_NAME[name].arguments()[0])
    rng = np.random.default_rng(2)
    return fit_of(model, {"a": rng.random((2, 3)), "b": rng.random((2, 3)), "theta": rng.random((2, 3, 10))})


def zoo_fit(name, backend):
    """A fit with draws from the prior, those of continuous latents of the rows where no program leaves them out."""
    model = zoo.load(name, backend, **ZOO[name])
    values = [model.simulate(seed) for seed in range(6)]
    data = model.data_of(values[0])
    table, keywords = model.bind(data)
    sites = model.card.parameters(keywords)
    names = [*sites, *(model.card.continuous_in_rows(keywords) if name == "switching_lds" else [])]
    draws = {n: np.stack([v[n] for v in values]).reshape(2, 3, *values[0][n].shape) for n in names}
    return replace(fit_with_draws("plated_regression", "pyro"), model=model, keywords=keywords, data=table, draws=draws)


def joint_at_draws(fit):
    """The log joint of the program at each draw, discrete latents summed out, by runs of it."""
    model, backend = given_model(fit), backend_of(fit.model)
    table, keywords = model.bind(fit.data)
    program = in_backend("inference.exact.enumeration", model.backend).marginalize(model.collapsed or model.program)
    at = [{n: v[c, d] for n, v in fit.draws.items()} for c in range(2) for d in range(3)]
    return np.reshape([backend.log_joint(program, {**table, **keywords}, values) for values in at], (2, 3))


def total(group):
    """The sum of all variables of a group, (chain, draw)."""
    return np.sum([v.values.reshape(*v.shape[:2], -1).sum(-1) for v in group.data_vars.values()], axis=0)


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_prior_and_likelihood_add_up_to_the_log_joint(name, backend):
    fit = own_fit(name, backend) if name in OWN else zoo_fit(name, backend)
    kind = "conditional" if name == "switching_lds" else None
    tree = fit.to_arviz(["log_prior", "unconstrained_posterior"], likelihood=kind)
    likelihood = tree["log_likelihood"].dataset
    by_row = [n for n in likelihood.data_vars if str(n).endswith("_marginal")]
    if by_row:  # beside elements of sites that do not depend on labels
        likelihood = likelihood[by_row]
    added = total(tree["log_prior"].dataset) + total(likelihood)
    np.testing.assert_allclose(added, joint_at_draws(fit), rtol=1e-9)
    back = constrained(fit, {n: v.values for n, v in tree["unconstrained_posterior"].dataset.items()})
    assert set(back) == set(fit.draws)
    for n, values in fit.aligned().items():
        np.testing.assert_allclose(back[n], values, rtol=1e-6, atol=1e-9)


def constrained(fit, free):
    """The values of unconstrained draws, one after another, by the bijections of the backend."""
    model, backend = given_model(fit), backend_of(fit.model)
    table, keywords = model.bind(fit.data)
    enumeration = in_backend("inference.exact.enumeration", model.backend)
    program = enumeration.marginalize(model.collapsed or model.program)
    with backend.runtime("float64"):
        unconstrained = in_backend("inference.unconstrained", model.backend).UnconstrainedModel(
            program, backend.to_backend(keywords), backend.to_backend(table)
        )
        flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in free.items()}
        vectors = [np.concatenate([flat[n][i].ravel() for n in unconstrained.shapes]) for i in range(6)]
        values = [unconstrained.constrain(backend.to_backend({"": v})[""]) for v in vectors]
        by_draw = [backend.to_numpy({n: value for n, (value, _) in at.items()}) for at in values]
    return {n: np.stack([v[n] for v in by_draw]).reshape(2, 3, *by_draw[0][n].shape) for n in by_draw[0]}


def conjugate_fit(backend, shape=(2, 300)):
    """A fit whose draws are those of the posterior of a normal mean."""
    mean, sd = posterior_of_the_mean(Y)
    draws = np.random.default_rng(1).normal(mean, sd, shape)
    return fit_of(zoo.read(zoo.Model(PROGRAMS[backend], backend=backend), Y), {"mu": draws})


@pytest.fixture(scope="module", params=BACKENDS)
def conjugate(request):
    return conjugate_fit(request.param)


def test_predictive_draws_have_the_moments_of_the_conjugate_model(conjugate):
    tree = conjugate.to_arviz(["posterior_predictive", "prior_predictive"], num_predictive=600, seed=3)
    mean, sd = posterior_of_the_mean(Y)
    cases = {"posterior_predictive": (mean, sd, (2, 300)), "prior_predictive": (0.0, PRIOR_SD, (1, 600))}
    for group, (centre, spread, shape) in cases.items():
        values = tree[group]["y"]
        assert values.dims == ("chain", "draw", "rows")
        assert values.shape == (*shape, len(Y))
        means = values.values.mean(-1).ravel()  # of the rows, which have the mean in common
        expected = np.hypot(spread, NOISE / np.sqrt(len(Y)))
        assert abs(means.mean() - centre) < 4 * expected / np.sqrt(600)
        assert abs(means.std() / expected - 1) < 4 / np.sqrt(2 * 600)
        within = values.values.std(-1, ddof=1).ravel()
        assert abs((within**2).mean() / NOISE**2 - 1) < 4 * np.sqrt(2 / (len(Y) - 1) / 600)


def test_predictive_draws_belong_to_the_draws_of_their_places(conjugate):
    far = replace(conjugate, draws={"mu": np.array([[0.0, 1000.0], [2000.0, 3000.0]])})
    values = far.to_arviz(["posterior_predictive"])["posterior_predictive"]["y"].values
    np.testing.assert_allclose(values.mean(-1), far.draws["mu"], atol=5 * NOISE)


def test_functions_of_arviz_take_the_groups(conjugate):
    from arviz_plots import plot_ppc_dist
    from arviz_stats.loo.loo import loo
    from arviz_stats.loo.loo_pit import loo_pit
    from arviz_stats.psense import psense

    tree = conjugate.to_arviz(["log_prior", "posterior_predictive", "prior_predictive"])
    np.testing.assert_allclose(tree["log_prior"]["mu"], norm.logpdf(conjugate.draws["mu"], 0.0, PRIOR_SD))
    estimate: Any = loo(tree)
    assert float(estimate.elpd) == pytest.approx(inference.loo(conjugate).elpd, abs=0.1)
    measured = inference.sensitivity(conjugate).table.loc["mu"]
    for group, column in (("prior", "prior"), ("likelihood", "likelihood")):
        assert float(psense(tree, group=group)["mu"]) == pytest.approx(measured[column], abs=1e-6)
    assert loo_pit(tree)["y"].shape == (len(Y),)
    assert plot_ppc_dist(tree, num_samples=5) is not None


def numpyro_groups(y):
    import numpyro
    from numpyro.distributions import LogNormal, Normal

    mu = numpyro.sample("mu", Normal(0.0, 1.0))
    with numpyro.plate("rows", len(y)):
        effect = numpyro.sample("effect", Normal(mu, 1.5))
        scale = numpyro.sample("scale", LogNormal(0.0, 0.01))  # nearly known
        numpyro.sample("y", Normal(effect, scale), obs=y)


def pyro_groups(y):
    import pyro
    from pyro.distributions import LogNormal, Normal

    mu = pyro.sample("mu", Normal(0.0, 1.0))
    with pyro.plate("rows", len(y)):
        effect = pyro.sample("effect", Normal(mu, 1.5))
        scale = pyro.sample("scale", LogNormal(0.0, 0.01))
        pyro.sample("y", Normal(effect, scale), obs=y)


@pytest.mark.parametrize("backend", BACKENDS)
def test_latents_of_the_rows_are_given_or_integrated_out(backend):
    y, rng = Y[:6], np.random.default_rng(4)
    program = {"numpyro": numpyro_groups, "pyro": pyro_groups}[backend]
    model = zoo.read(zoo.Model(program, backend=backend), y)
    mu, scale = rng.normal(y.mean(), 0.5, (2, 100)), rng.lognormal(0.0, 0.01, (2, 100, 6))
    precision = 1 + 1.5**-2
    effect = rng.normal((y + mu[..., None] / 1.5**2) / precision, precision**-0.5)
    fit = fit_of(model, {"mu": mu, "effect": effect, "scale": scale})
    given = fit.to_arviz(likelihood="conditional")["log_likelihood"]
    np.testing.assert_allclose(given["y"], norm.logpdf(y, effect, scale), rtol=1e-9)
    integrated = fit.to_arviz(likelihood="marginal")["log_likelihood"]["y_integrated"]
    expected = norm.logpdf(y, mu[..., None], np.hypot(1.5, 1.0))
    assert integrated.dims == ("chain", "draw", "rows")
    assert integrated.attrs["method"] == "importance sampling"
    effective = integrated.attrs["smallest_effective_samples"]
    errors = np.abs(integrated.values - expected).mean((0, 1))
    assert errors.max() < 4 / np.sqrt(effective)
    assert np.median(errors) < 1.5 / np.sqrt(effective)


def test_one_draw_has_no_moments_to_integrate_by():
    model = zoo.read(zoo.Model(pyro_groups, backend="pyro"), Y[:6])
    shapes = {"mu": (), "effect": (6,), "scale": (6,)}
    fit = fit_of(model, {n: np.ones((1, 1, *shape)) for n, shape in shapes.items()})
    with pytest.raises(ZooError, match="of which 1 are too few: fit with 25 or more"):
        fit.to_arviz(likelihood="marginal")


def walk(y):
    import pyro
    from pyro.distributions import Normal

    with pyro.plate("rows", len(y)):
        step = pyro.sample("step", Normal(0.0, 1.0))
        pyro.sample("y", Normal(step.cumsum(-1), 1.0), obs=y)


def test_rows_that_share_latents_have_no_integrated_likelihood():
    fit = fit_of(
        zoo.read(zoo.Model(walk, backend="pyro"), Y), {"step": np.random.default_rng(5).normal(size=(1, 40, 20))}
    )
    with pytest.raises(ZooError, match="the rows of walk depend on the latents of others"):
        fit.to_arviz(likelihood="marginal")


def test_exact_marginals_say_so(conjugate):
    like = conjugate.to_arviz(likelihood="marginal")["log_likelihood"]["y"]
    assert like.attrs["method"] == "exact"
    np.testing.assert_allclose(like, norm.logpdf(Y, conjugate.draws["mu"][..., None], NOISE))


def test_a_point_is_one_draw_with_as_many_replicates_as_asked_for():
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em")
    tree = fit.to_arviz(["log_prior", "posterior_predictive", "unconstrained_posterior"], num_predictive=30)
    assert tree["log_prior"]["mu"].shape == (1, 1)
    assert tree["unconstrained_posterior"]["Lambda"].dims == ("chain", "draw", "K", "Lambda_unconstrained_dim_0")
    assert tree["posterior_predictive"]["x"].shape == (1, 30, len(Y), 1)


@pytest.mark.parametrize(
    ("groups", "options", "words"),
    [
        (["prior"], {}, "no group of to_arviz 'prior'"),
        ("log_prior", {}, r"groups is a list of names: give groups=\['log_prior'\]"),
        ([], {"likelihood": "both"}, "no kind of log-likelihood 'both'"),
        (["prior_predictive"], {"num_predictive": 0}, "num_predictive"),
        (["prior_predictive"], {"seed": -1}, "seed"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(groups, options, words):
    with pytest.raises(ZooError, match=words) as caught:
        conjugate_fit("pyro", (1, 5)).to_arviz(groups, **options)
    assert "\n" not in str(caught.value)


def test_fits_without_a_program_or_with_documents_are_refused_in_one_line():
    elsewhere = inference.from_arviz(conjugate_fit("pyro", (1, 5)).to_arviz())
    with pytest.raises(ZooError, match="no program"):
        elsewhere.to_arviz(["log_prior"])
    fit = inference.fit(zoo.load("latent_dirichlet", "pyro", K=2), [["a", "b"], ["b"]], "gibbs", num_samples=5)
    with pytest.raises(ZooError, match="no predictive groups of documents"):
        fit.to_arviz(["posterior_predictive"])
    given = fit.to_arviz(["log_prior"], likelihood="conditional")
    assert given["log_likelihood"]["w_conditional"].dims == ("chain", "draw", "N")
    labelled = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), Y[:, None], "em")
    with pytest.raises(ZooError, match="kind='marginal'"):
        labelled.to_arviz(likelihood="conditional")
