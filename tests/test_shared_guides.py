"""Shared guides: one run of the program at the posteriors' draws is the same bound as guide and program in turn."""

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.objectives import Objective
from tests.objectives import BACKEND_OBJECTIVES
from zoo import ZooError
from zoo._backend import in_backend

BACKENDS = ("numpyro", "pyro")
OBJECTIVES = {
    "elbo": Objective(),
    "elbo of three draws": Objective(num_particles=3),
    "sticking the landing": Objective(gradient="sticking_the_landing"),
    "analytic": Objective(kl="analytic"),
    "iwae": Objective("iwae", num_particles=3),
    "iwae, doubly reparameterised": Objective("iwae", num_particles=3, gradient="doubly_reparameterised"),
}
ROWS = 6
X = np.random.default_rng(0).normal(size=(ROWS, 2))
PARAMS = {"theta": 0.7, "V": [[0.5, -0.3], [0.2, 0.9]], "E": [[0.4, 0.1], [-0.2, 0.6]], "a": [0.3, -0.5], "s": -0.4}


def statements(backend) -> Any:
    """The backend's statements, distributions and array functions, for programs that serve both."""
    objectives = BACKEND_OBJECTIVES[backend]()
    sample, plate, param, Normal = objectives.statements
    return SimpleNamespace(
        sample=sample, plate=plate, param=param, Normal=Normal, np=objectives.np, dist=objectives.distributions
    )


def hierarchy(names, count):
    """z2 -> z1 -> x; the program gives the mean of z1 as its features, and counts its runs."""

    def model(x, N):
        count.append(1)
        theta, V = names.param("theta"), names.param("V")
        with names.plate("N", N):
            z2 = names.sample("z2", names.Normal(names.np.zeros(2), 1.0).to_event(1))
            h = z2 @ V
            z1 = names.sample("z1", names.Normal(h, 1.0).to_event(1), infer={"features": h})
            names.sample("x", names.Normal(theta * z1, 1.0).to_event(1), obs=x)

    def encoder(x):
        return x @ names.param("E")

    def posterior(name, prior, features, encoding, x):
        scale = names.np.exp(names.param("s"))
        if features is None:
            return names.Normal(encoding, scale).to_event(1)
        return names.Normal(features + names.param("a") * encoding + 0.1 * x, 0.5 * scale).to_event(1)

    return model, posterior, encoder


def shared_guide(backend, model, posterior, encoder=None, separate=False):
    return in_backend("guides._shared", backend).SharedGuide(model, posterior, encoder, separate)


@pytest.mark.parametrize(
    ("name", "rows"), [*((name, None) for name in OBJECTIVES), ("elbo", [1, 4, 2]), ("iwae", [1, 4, 2])]
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_one_run_has_the_bound_and_the_gradients_of_two(backend, name, rows):
    model, posterior, encoder = hierarchy(statements(backend), [])
    x = X if rows is None else X[rows]
    once, twice = (
        BACKEND_OBJECTIVES[backend]().bounds(
            OBJECTIVES[name],
            (model, shared_guide(backend, model, posterior, encoder, separate)),
            PARAMS,
            {"x": x, "N": ROWS},
            rows=rows,
        )
        for separate in (False, True)
    )
    np.testing.assert_allclose(once[0], twice[0], rtol=1e-12)
    for mine, other in zip(once[1:], twice[1:], strict=True):
        assert mine.keys() == other.keys()
        for key in mine:
            np.testing.assert_allclose(mine[key], other[key], rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_program_runs_once(backend):
    count = []
    model, posterior, encoder = hierarchy(statements(backend), count)
    runs = {}
    for separate in (False, True):
        count.clear()
        guide = shared_guide(backend, model, posterior, encoder, separate)
        BACKEND_OBJECTIVES[backend]().bounds(Objective(), (model, guide), PARAMS, {"x": X, "N": ROWS})
        runs[separate] = len(count)
    assert runs[True] == 2 * runs[False], "the guide runs the program, and the program is run after it"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_guide_alone_has_the_latents_alone(backend):
    model, posterior, encoder = hierarchy(statements(backend), [])
    guide = shared_guide(backend, model, posterior, encoder)
    if backend == "numpyro":
        from numpyro import handlers

        substituted = handlers.substitute(guide, data={n: np.asarray(v) for n, v in PARAMS.items()})
        nodes = handlers.trace(handlers.seed(substituted, 0)).get_trace(x=X, N=ROWS)
        sites = [n for n, s in nodes.items() if s["type"] == "sample"]
    else:
        import torch
        from pyro import poutine

        from zoo._backend.in_pyro import runtime, sample_nodes

        with runtime("float64"):
            BACKEND_OBJECTIVES["pyro"]().parameters(PARAMS)
            nodes = poutine.trace(guide).get_trace(x=torch.as_tensor(X), N=ROWS).nodes
            sites = list(sample_nodes(nodes))
    assert sites == ["z2", "z1"]


# --- through fit, on programs of a user's own ---


def own_program(backend):
    """A program and its guide as a user writes them, with networks of their own and no plate called N."""
    language: Any = importlib.import_module(backend)
    arrays: Any = importlib.import_module("jax.numpy" if backend == "numpyro" else "torch")
    zeros, eye, dist = arrays.zeros, arrays.eye, importlib.import_module(f"{backend}.distributions")
    Normal, Bernoulli, Categorical = dist.Normal, dist.Bernoulli, dist.Categorical

    def model(images, scale=1.0):
        V, W = language.param("V", eye(2)), language.param("W", eye(3)[:2] * 0.5)
        with language.plate("images", len(images)):
            top = language.sample("top", Normal(zeros(2), scale).to_event(1))
            h = top @ V
            low = language.sample("low", Normal(h, 1.0).to_event(1), infer={"features": h})
            language.sample("pixels", Bernoulli(logits=low @ W).to_event(1), obs=images)

    def encoder(images, scale=1.0):
        return (images - 0.5) @ language.param("E", eye(3)[:, :2])

    def posterior(name, prior, features, encoding, scale):
        a = language.param(f"a.{name}", zeros(2) + scale)
        return Normal(a * encoding if features is None else features + a * encoding, 0.7).to_event(1)

    def mixture(images):
        with language.plate("images", len(images)):
            z = language.sample("z", Normal(zeros(2), 1.0).to_event(1))
            c = language.sample("c", Categorical(zeros(2) + 0.5), infer={"enumerate": "parallel"})
            W = language.param("W", eye(3)[:2])
            language.sample("pixels", Bernoulli(logits=z @ W + c[..., None]).to_event(1), obs=images)

    def one_posterior(name, prior, features, images):
        if name == "c":
            return None
        return Normal(images @ language.param("E", eye(3)[:, :2]), 0.7).to_event(1)

    return SimpleNamespace(
        model=model, encoder=encoder, posterior=posterior, mixture=mixture, one_posterior=one_posterior
    )


IMAGES = (np.random.default_rng(1).uniform(size=(60, 3)) < [0.2, 0.5, 0.7]).astype(float)


def fit_own(backend, part="model", separate=False, posterior=None, **options):
    own = own_program(backend)
    encoder = own.encoder if part == "model" and posterior is None else None
    guide = inference.shared(posterior or (own.posterior if encoder else own.one_posterior), encoder, separate)
    program = zoo.Model(getattr(own, part), backend=backend)
    options = {"batch_size": 20, "num_steps": 30, **options}
    return inference.fit(program, IMAGES, engine="svi", guide=guide, progress=False, **options)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_user_program_is_trained_by_one_run_or_two_alike(backend):
    once, twice = (fit_own(backend, separate=separate) for separate in (False, True))
    np.testing.assert_allclose(once.trace, twice.trace, rtol=1e-9)
    assert set(once.state) == {"E", "V", "W", "a.top", "a.low"}
    assert once.diagnostics.guide == "posterior"  # pyright: ignore[reportAttributeAccessIssue]
    weights = inference.log_marginal(once, IMAGES[:5], num_samples=20)
    np.testing.assert_allclose(
        weights.log_p, inference.log_marginal(twice, IMAGES[:5], num_samples=20).log_p, rtol=1e-9
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guide_of_all_rows_is_drawn_from_at_the_end(backend):
    fit = fit_own(backend, batch_size=None)
    assert fit.draws["low"].shape == (1, 1000, 60, 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_discrete_latents_are_summed_out_beside_a_shared_guide(backend):
    once, twice = (fit_own(backend, "mixture", separate) for separate in (False, True))
    np.testing.assert_allclose(once.trace, twice.trace, rtol=1e-9)


@pytest.mark.parametrize("gradient", ["enumerate", "rloo", "disarm"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_shared_posterior_of_a_discrete_latent_has_estimators(backend, gradient):
    names = statements(backend)
    Bernoulli = names.dist.Bernoulli

    def model(x, N):
        with names.plate("N", N):
            c = names.sample("c", Bernoulli(0.3 + 0.0 * names.np.zeros(N)))
            names.sample("x", names.Normal(c[..., None] + names.np.zeros(2), 1.0).to_event(1), obs=x)

    def posterior(name, prior, features, x):
        return Bernoulli(logits=x[:, 0] * names.param("theta"))

    particles = 2 if gradient == "rloo" else 1
    objective = Objective(num_particles=particles, estimators=(("c", inference.estimator(gradient)),))
    once, twice = (
        BACKEND_OBJECTIVES[backend]().bounds(
            objective, (model, shared_guide(backend, model, posterior, separate=s)), {"theta": 0.4}, {"x": X, "N": ROWS}
        )
        for s in (False, True)
    )
    np.testing.assert_allclose(once[0], twice[0], rtol=1e-12)
    np.testing.assert_allclose(once[2]["theta"], twice[2]["theta"], rtol=1e-9)
    assert np.abs(once[2]["theta"]).max() > 0


REFUSALS = [
    (lambda name, prior, features: None, "returns a distribution for each latent"),
    (lambda name, prior, features, colour: prior, "takes colour, which the program does not have"),
    (lambda name, prior, features: prior.base_dist if name == "top" else prior, "the same number of dimensions"),
]


@pytest.mark.parametrize(("posterior", "message"), REFUSALS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_posteriors_that_do_not_suit_are_refused_in_one_line(backend, posterior, message):
    with pytest.raises(ZooError, match=message) as error:
        fit_own(backend, posterior=posterior)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((lambda x: x,), "a posterior is a function"),
        ((3,), "posterior is a function"),
        ((lambda name, prior, features: prior, 3), "encoder is a function"),
        ((lambda name, prior, features, encoding: prior,), "which an encoder makes"),
    ],
)
def test_what_is_no_posterior_is_refused(arguments, message):
    with pytest.raises(ZooError, match=message):
        inference.shared(*arguments)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_was_killed_goes_on_bit_for_bit(backend, tmp_path):
    complete = fit_own(backend, num_steps=12)
    fit_own(backend, num_steps=6, checkpoint=str(tmp_path))
    resumed = fit_own(backend, num_steps=12, checkpoint=str(tmp_path))
    np.testing.assert_array_equal(resumed.trace, complete.trace)
    for name, value in complete.state.items():
        np.testing.assert_array_equal(resumed.state[name], value, err_msg=name)
