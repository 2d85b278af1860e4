"""The user programs, run by the libraries alone: both languages agree, and agree with the reference values."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy import stats

from tests.user_programs import BY_NAME, for_backend
from tests.user_programs.evaluation import arguments_of, latent_values, numpyro_log_joint, pyro_log_joint
from tests.user_programs.truths.reference import LogDensity, MaximumLikelihood, Moments

pytestmark = pytest.mark.slow  # of the libraries alone: it changes with their versions

NAMES = tuple(BY_NAME)


@pytest.fixture(autouse=True)
def double_precision():
    """64 bits in both backends, for one test."""
    import jax
    import pyro
    import torch

    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    pyro.clear_param_store()
    with jax.enable_x64(True):
        yield
    torch.set_default_dtype(default)
    pyro.clear_param_store()


@pytest.mark.parametrize("name", NAMES)
def test_sites_are_those_of_the_table(name):
    import jax
    import pyro
    import torch
    from numpyro import handlers
    from numpyro.infer import init_to_uniform
    from pyro.infer.autoguide.initialization import InitMessenger

    program = BY_NAME[name]
    args, kwargs = for_backend(arguments_of(program), "numpyro")
    model = handlers.seed(program.load("numpyro"), jax.random.key(0))
    trace = handlers.trace(handlers.substitute(model, substitute_fn=init_to_uniform)).get_trace(*args, **kwargs)
    check_sites(program, "numpyro", trace)
    args, kwargs = for_backend(arguments_of(program), "pyro")
    values = {n: v for n, v in latent_values(program, 0).items() if n in program.latents}
    values = {n: torch.tensor(v) for n, v in program.values("pyro", values).items()}
    model = InitMessenger(lambda site: values.get(site["name"]))(program.load("pyro"))
    check_sites(program, "pyro", pyro.poutine.trace(model).get_trace(*args, **kwargs).nodes)


def is_delta(distribution) -> bool:
    """Whether Pyro wrote a deterministic or a reparameterised site as an observed point mass."""
    return type(getattr(distribution, "base_dist", distribution)).__name__ == "Delta"


def check_sites(program, backend, nodes):
    """Sites by their roles, and the plate of the rows around every observed site."""
    parameters = {n for n, s in nodes.items() if s["type"] == "param"} - set(program.inactive_parameters)
    assert parameters == set(program.sites(backend, program.learned))
    sites = {n: s for n, s in nodes.items() if s["type"] == "sample" and "_Subsample" not in str(type(s["fn"]))}
    deterministic = {n for n, s in nodes.items() if s["type"] == "deterministic" or (n in sites and is_delta(s["fn"]))}
    assert deterministic == set(program.deterministic)
    factors = {n for n, s in sites.items() if type(s["fn"]).__name__ == "Unit"}
    observed = {n for n, s in sites.items() if s["is_observed"]} - factors - deterministic
    assert observed == set(program.sites(backend, program.observed))
    latent = {n for n, s in sites.items() if not s["is_observed"]}
    assert latent == set(program.sites(backend, (*program.latents, *program.discrete)))
    discrete = {n for n in latent if getattr(sites[n]["fn"], "has_enumerate_support", False)}
    assert discrete == set(program.sites(backend, program.discrete))
    if program.rows:
        frames = [{(f.name, f.size) for f in sites[n]["cond_indep_stack"]} for n in observed]
        assert program.rows in set.intersection(*frames)


OPTIONAL = {  # outcomes that may be left out
    "linear_regression": 1,
    "logistic_regression": "switched",
    "zero_inflated_poisson": "counts",
    "eight_schools": "y",
    "radon": "log_radon",
    "item_response_long": "correct",
    "occupancy": "detections",
    "mixture_of_regressions": "y",
    "bayesian_network": "y",
}


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_programs_without_their_outcomes_simulate_them(name, backend):
    program, outcome = BY_NAME[name], OPTIONAL[name]
    args, kwargs = for_backend(program.arguments(), backend)
    if outcome == 1:
        args, observed = args[:1], args[1]
    else:
        observed = kwargs.pop(outcome)
    model, (site,) = program.load(backend), program.observed
    if backend == "numpyro":
        import jax
        from numpyro import handlers

        simulated = handlers.trace(handlers.seed(model, jax.random.key(0))).get_trace(*args, **kwargs)[site]
    else:
        from pyro import poutine

        simulated = poutine.trace(model).get_trace(*args, **kwargs).nodes[site]
    assert not simulated["is_observed"]
    value = simulated["value"]
    assert value is not None
    assert value.shape == observed.shape


@pytest.mark.parametrize("name", [name for name in NAMES if name != "autoencoder"])
def test_both_languages_have_one_log_joint(name):
    program = BY_NAME[name]
    values = latent_values(program, seed=0)
    np.testing.assert_allclose(numpyro_log_joint(program, values), pyro_log_joint(program, values), rtol=1e-9)


def test_autoencoders_with_equal_weights_have_one_log_joint():
    """The weights of flax's decoder are copied to torch's, which draws its own at random."""
    import jax
    import torch
    from numpyro import handlers
    from pyro import poutine

    program = BY_NAME["autoencoder"]
    args, _ = for_backend(program.arguments(), "numpyro")
    trace = handlers.trace(handlers.seed(program.load("numpyro"), jax.random.key(0))).get_trace(*args)
    layers = trace["decoder$params"]["value"]
    vae = program.load("pyro").__self__  # type: ignore[attr-defined]
    state = {}
    for position, layer in ((0, "Dense_0"), (2, "Dense_1")):
        state[f"{position}.weight"] = torch.tensor(np.asarray(layers[layer]["kernel"]).T)
        state[f"{position}.bias"] = torch.tensor(np.asarray(layers[layer]["bias"]))
    vae.decoder.load_state_dict(state)
    z = np.array(trace["z"]["value"])
    args, _ = for_backend(program.arguments(), "pyro")
    with torch.no_grad():
        model = poutine.condition(vae.model, {"z": torch.tensor(z)})
        log_joint = float(poutine.trace(model).get_trace(*args).log_prob_sum())
    np.testing.assert_allclose(
        numpyro_log_joint(program, {"z": z}), log_joint, rtol=1e-6
    )  # flax's weights have 32 bits


@pytest.mark.parametrize("backend", ["numpyro", "pyro"])
@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].guide])
def test_own_guides_have_the_latents_of_the_program(name, backend):
    program = BY_NAME[name]
    args, kwargs = for_backend(program.arguments(), backend)
    guide = program.load_with_guide(backend)[1]
    assert guide is not None
    if backend == "numpyro":
        import jax
        from numpyro import handlers

        nodes = handlers.trace(handlers.seed(guide, jax.random.key(0))).get_trace(*args, **kwargs)
    else:
        from pyro import poutine

        nodes = poutine.trace(guide).get_trace(*args, **kwargs).nodes
    assert {n for n, s in nodes.items() if s["type"] == "sample"} - {"batch"} == set(program.latents)


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].discrete])
def test_both_languages_sum_discrete_latents_alike(name):
    program = BY_NAME[name]
    values = {n: v for n, v in latent_values(program, 3).items() if n in program.latents}
    expected = numpyro_log_joint(program, values, is_enumerated=True)
    np.testing.assert_allclose(pyro_log_joint(program, values, is_enumerated=True), expected, rtol=1e-9)


REFERENCES = {name: program.truth for name, program in BY_NAME.items() if program.truth}
KINDS = {name: inspect.signature(truth, eval_str=True).return_annotation for name, truth in REFERENCES.items()}


@pytest.mark.parametrize("log_joint", [numpyro_log_joint, pyro_log_joint])
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind is LogDensity])
def test_log_density_is_the_reference(name, log_joint):
    program, truth = BY_NAME[name], REFERENCES[name]()
    assert isinstance(truth, LogDensity)
    value = log_joint(program, dict(truth.latents), truth.arguments, is_enumerated=bool(program.discrete))
    np.testing.assert_allclose(value, truth.value, rtol=1e-9)


@pytest.mark.parametrize("log_joint", [numpyro_log_joint, pyro_log_joint])
@pytest.mark.parametrize("name", ["subsampled_regression", "masked_regression"])
def test_joint_is_the_evidence_times_the_normal_posterior(name, log_joint):
    """Bayes' theorem at the posterior mean of one scalar."""
    program, truth = BY_NAME[name], REFERENCES[name]()
    assert isinstance(truth, Moments)
    assert truth.log_evidence is not None
    (site,) = program.latents
    mean = truth.mean[site]
    posterior = stats.norm.logpdf(mean, mean, truth.sd[site])
    np.testing.assert_allclose(log_joint(program, {site: mean}), truth.log_evidence + posterior, rtol=1e-9)


@pytest.mark.parametrize("log_joint", [numpyro_log_joint, pyro_log_joint])
def test_likelihood_of_learned_parameters_is_the_maximum(log_joint):
    """Bayes' theorem for the effects at their posterior mean, and smaller likelihoods around the maximum."""
    program, truth = BY_NAME["empirical_bayes"], REFERENCES["empirical_bayes"]()
    assert isinstance(truth, MaximumLikelihood)
    posterior = stats.norm.logpdf(0, 0, truth.sd["effect"]).sum()
    value = log_joint(program, {**truth.parameters, **truth.mean})
    np.testing.assert_allclose(value - posterior, truth.log_likelihood, rtol=1e-9)
    (y,), _ = program.arguments()
    for mu, tau in ((0.1, 1.0), (-0.1, 1.0), (0.0, 1.1), (0.0, 0.9)):
        covariance = (tau * truth.parameters["tau"]) ** 2 + np.eye(y.shape[1])
        mean = np.full(y.shape[1], truth.parameters["mu"] + mu)
        assert stats.multivariate_normal(mean, covariance).logpdf(y).sum() < truth.log_likelihood


def test_lines_are_exchangeable_and_ordered_or_broken_components_are_not():
    """Labels of latents reversed; discrete latents are summed out."""
    program = BY_NAME["mixture_of_regressions"]
    values = {n: v for n, v in latent_values(program, 4).items() if n in program.latents}
    reversed_values = {n: v[::-1] if v.ndim else v for n, v in values.items()}
    before = numpyro_log_joint(program, values, is_enumerated=True)
    np.testing.assert_allclose(numpyro_log_joint(program, reversed_values, is_enumerated=True), before, rtol=1e-12)
    for name, sites in (("dirichlet_process", ("mu",)), ("hidden_markov", ("location", "transition"))):
        program = BY_NAME[name]
        values = {n: v for n, v in latent_values(program, 4).items() if n in program.latents}
        reversed_values = {
            **values,
            **{n: values[n][::-1, ::-1] if n == "transition" else values[n][::-1] for n in sites},
        }
        before = numpyro_log_joint(program, values, is_enumerated=True)
        assert abs(numpyro_log_joint(program, reversed_values, is_enumerated=True) - before) > 1e-3


def test_factors_can_be_rotated():
    program = BY_NAME["matrix_factorisation"]
    values = latent_values(program, 5)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((2, 2)))[0]
    rotated = {n: v @ rotation if n in program.rotations else v for n, v in values.items()}
    np.testing.assert_allclose(numpyro_log_joint(program, rotated), numpyro_log_joint(program, values), rtol=1e-12)
