"""The KL divergence by latent: free bits and balance, against closed forms of normals and of classes."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from objectives import BACKEND_OBJECTIVES, PyroObjectives, arrays

import zoo
from inference import fit
from inference.objectives import Objective
from inference.objectives.estimators import EVERY_SITE, make
from zoo.errors import ZooError

B, N, BETA = 4, 8, 0.6
ROWS = np.arange(B)
AT: dict[str, Any] = {"m": np.array([2.0, 0.5, 0.0]), "s": 0.8, "d": 0.6, "r": 1.3, "theta": 0.7}
SIZES = {"z": 3, "t": 2}


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    return BACKEND_OBJECTIVES[request.param]()


@pytest.fixture(scope="module")
def pair(backend):
    """z of 3 numbers, then t of 2 numbers around their sum, each normal; the KL of t does not depend on z."""
    sample, plate, param, Normal = backend.statements

    def program(x, *, N):
        theta = param("theta")
        with plate("N", N):
            z = sample("z", Normal(backend.np.zeros(3), 1.0).to_event(1))
            t = sample("t", Normal(z.sum(-1)[..., None] * backend.np.ones(2), 1.0).to_event(1))
            sample("x", Normal(theta * t.sum(-1), 1.0), obs=x)

    def guide(x, *, N):
        m, s, d, r = map(param, "msdr")
        with plate("N", N):
            z = sample("z", Normal(m, s).to_event(1))
            sample("t", Normal((z.sum(-1) + d)[..., None] * backend.np.ones(2), r).to_event(1))

    return program, guide


def normal_kl(loc, scale):
    """KL(N(loc, scale) || N(0, 1)), its derivatives by loc and by scale, each of one number."""
    return (loc**2 + scale**2 - 1) / 2 - np.log(scale), loc, scale - 1 / scale


def closed_forms(at):
    """KL of z and of t in each row, and the gradients of each by the guide's parameters."""
    z, by_m, by_s = normal_kl(at["m"], at["s"])
    t, by_d, by_r = normal_kl(at["d"], at["r"])
    return np.array([z.sum(), 2 * t]), [{"m": by_m, "s": 3 * by_s}, {"d": 2 * by_d, "r": 2 * by_r}]


def evaluate(backend, objective, pair, at=AT, fraction=1.0, beta=BETA):
    """The value, the metrics and the gradients of a bound on a batch of 4 of 8 rows; draws are those of one seed."""
    inputs = {"x": np.array([1.4, -0.3, 0.2, 2.0]), "N": N}
    if isinstance(backend, PyroObjectives):
        import torch

        from inference.objectives.in_pyro import bound
        from zoo._backend.in_pyro import minibatch, runtime, to_backend, to_numpy

        with runtime("float64"), torch.random.fork_rng():
            torch.manual_seed(3)
            leaves = backend.parameters(at)
            program, guide = (minibatch(f, torch.as_tensor(ROWS)) for f in pair)
            value, details = bound(objective, program, guide, to_backend(inputs), beta, fraction)
            slopes = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True, allow_unused=True)
            return float(value.detach()), to_numpy(details.metrics), to_numpy(dict(zip(leaves, slopes, strict=True)))
    import jax

    from zoo._backend.in_numpyro import runtime, to_backend, to_numpy

    with runtime("float64"):
        moment = beta, fraction, jax.random.PRNGKey(3)
        both = compiled_bound(objective, pair)(to_backend(arrays(at)), to_backend({"x": inputs["x"]}), *moment)
        (value, metrics), slopes = both
        return float(value), to_numpy(metrics), to_numpy(slopes)


@cache
def compiled_bound(objective, pair):
    """Value, metrics and gradients of a bound in NumPyro."""
    import jax

    from inference.objectives.in_numpyro import bound
    from zoo._backend.in_numpyro import minibatch

    def maximised(params, data, beta, fraction, key):
        program, guide = (minibatch(f, jax.numpy.asarray(ROWS)) for f in pair)
        value, details = bound(objective, program, guide, params, key, {**data, "N": N}, beta, fraction)
        return value, details.metrics

    return jax.jit(jax.value_and_grad(maximised, has_aux=True))


def assert_differs_by(backend, pair, objective, plain, factors, constants, at=AT, fraction=1.0):
    """The KL of each group counts ``factors`` times more than in ``plain``, and ``constants`` nats more."""
    value, metrics, slopes = evaluate(backend, objective, pair, at, fraction)
    expected, plain_metrics, plain_slopes = evaluate(backend, plain, pair, at, fraction)
    kl, gradients = closed_forms(at)
    np.testing.assert_allclose(value, expected - BETA * N * (factors * kl + constants).sum(), rtol=1e-12)
    for factor, by_group in zip(factors, gradients, strict=True):
        for name, slope in by_group.items():
            np.testing.assert_allclose(slopes[name], plain_slopes[name] - BETA * N * factor * slope, rtol=1e-9)
    np.testing.assert_allclose(slopes["theta"], plain_slopes["theta"], rtol=1e-12)
    for name, metric in plain_metrics.items():  # the metrics are the actual ones
        np.testing.assert_allclose(metrics[name], metric, rtol=1e-12)


@pytest.mark.parametrize("K", [1, 2])
def test_free_bits_replace_the_kl_of_the_groups_below(backend, pair, K):
    plain, kl = Objective(kl="analytic", num_particles=K), closed_forms(AT)[0]
    assert kl[0] > kl[1] > 0.1
    for nats in (0.05, kl.mean(), 5.0):
        is_free = kl <= nats
        objective = Objective(kl="analytic", num_particles=K, free_bits=nats)
        assert_differs_by(backend, pair, objective, plain, -1.0 * is_free, nats * is_free)


def test_a_group_at_exactly_its_free_bits_has_no_gradient(backend, pair):
    at = {**AT, "m": np.array([1.0, 0.0, 0.0]), "s": 1.0}
    assert closed_forms(at)[0][0] == 0.5
    plain = Objective(kl="analytic")
    objective = Objective(kl="analytic", free_bits=0.5)
    t_is_free = closed_forms(at)[0][1] <= 0.5
    assert not t_is_free
    assert_differs_by(backend, pair, objective, plain, np.array([-1.0, 0.0]), np.array([0.5, 0.0]), at)


@pytest.mark.parametrize("gradient", ["reparameterised", "sticking_the_landing"])
def test_free_bits_above_every_sampled_kl_leave_the_reconstruction(backend, pair, gradient):
    nats = 100.0
    value, metrics, slopes = evaluate(backend, Objective(gradient=gradient, num_particles=2, free_bits=nats), pair)
    np.testing.assert_allclose(value, metrics["reconstruction"] - BETA * N * 2 * nats, rtol=1e-12)
    reconstruction, _, expected = evaluate(backend, Objective(gradient=gradient, num_particles=2), pair, beta=0.0)
    np.testing.assert_allclose(reconstruction, metrics["reconstruction"], rtol=1e-12)
    for name in slopes:
        np.testing.assert_allclose(slopes[name], expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("free_bits", [0.0, 0.9])
def test_balanced_groups_have_weights_by_hand_until_the_warm_up_ends(backend, pair, free_bits):
    plain, kl = Objective(kl="analytic"), closed_forms(AT)[0]
    objective = Objective(kl="analytic", kl_balance=0.3, free_bits=free_bits)
    per_number = kl / list(SIZES.values()) + 1e-6
    weights = per_number / per_number.mean()
    assert abs(weights.mean() - 1) < 1e-12
    assert np.ptp(weights) > 0.3
    is_free = kl <= free_bits
    assert is_free.tolist() == [False, free_bits > 0]
    for fraction in (0.0, 0.29):
        factors, constants = np.where(is_free, -1.0, weights - 1), weights * free_bits * is_free
        assert_differs_by(backend, pair, objective, plain, factors, constants, fraction=fraction)
    for fraction in (0.3, 1.0):
        assert_differs_by(backend, pair, objective, plain, -1.0 * is_free, free_bits * is_free, fraction=fraction)


def test_balance_of_groups_without_any_kl_leaves_the_weights_equal(backend, pair):
    at = {**AT, "m": np.zeros(3), "s": 1.0, "d": 0.0, "r": 1.0}
    plain, balanced = (evaluate(backend, Objective(kl="analytic", kl_balance=b), pair, at, 0.1) for b in (0.0, 1.0))
    np.testing.assert_allclose(balanced[0], plain[0], rtol=1e-9)
    assert all(np.isfinite(slope).all() for slope in balanced[2].values())


def test_an_enumerated_class_is_a_group(backend):
    """y in {0, 1} and z given y: their KL are closed forms, the second in the mean over y."""
    sample, plate, param, Normal = backend.statements
    Bernoulli = backend.distributions.Bernoulli

    def program(x, *, N):
        theta = param("theta")
        with plate("N", N):
            y = sample("y", Bernoulli(0.0 * x + 0.5))
            z = sample("z", Normal(0.0 * x, 1.0))
            sample("x", Normal(theta * z + y, 1.0), obs=x)

    def guide(x, *, N):
        a, loc = param("a"), param("loc")
        with plate("N", N):
            y = sample("y", Bernoulli(a + 0.0 * x), infer={"enumerate": "parallel"})
            sample("z", Normal(loc * y, 1.0))

    a, loc = 0.3, 1.5
    kl = np.array([a * np.log(2 * a) + (1 - a) * np.log(2 * (1 - a)), a * loc**2 / 2])
    assert kl[0] < 0.2 < kl[1]
    at = {"theta": 0.7, "a": a, "loc": loc}
    value, metrics, slopes = evaluate(backend, Objective(kl="analytic", free_bits=0.2), (program, guide), at)
    plain, _, plain_slopes = evaluate(backend, Objective(kl="analytic"), (program, guide), at)
    np.testing.assert_allclose(metrics["kl"], N * kl.sum(), rtol=1e-9)
    np.testing.assert_allclose(value, plain - BETA * N * (0.2 - kl[0]), rtol=1e-9)
    np.testing.assert_allclose(slopes["a"], plain_slopes["a"] + BETA * N * np.log(a / (1 - a)), rtol=1e-9)
    np.testing.assert_allclose(slopes["loc"], plain_slopes["loc"], rtol=1e-9)


def test_guides_without_groups_are_refused(backend):
    sample, plate, param, Normal = backend.statements

    def program(x, *, N):
        mu = sample("mu", Normal(0.0, 1.0))
        with plate("N", N):
            sample("x", Normal(mu + 0.0 * x, 1.0), obs=x)

    def guide(x, *, N):
        sample("mu", Normal(param("m"), 1.0))

    with pytest.raises(ZooError, match="are for latents of the rows, and the guide has none in the plate N"):
        evaluate(backend, Objective(free_bits=0.1), (program, guide), {"m": 0.0})

    def discrete(x, *, N):
        with plate("N", N):
            y = sample("y", backend.distributions.Bernoulli(0.0 * x + 0.5))
            sample("x", Normal(y, 1.0), obs=x)

    def discrete_guide(x, *, N):
        with plate("N", N):
            sample("y", backend.distributions.Bernoulli(0.0 * x + 0.5))

    estimated = Objective(free_bits=0.1, estimators=((EVERY_SITE, make("rloo")),), num_particles=2)
    with pytest.raises(ZooError, match="the guide draws y, which is discrete"):
        evaluate(backend, estimated, (discrete, discrete_guide), {"m": 0.0})


INVALID = [
    ({"free_bits": -1.0}, "free_bits is a number of nats from 0 up"),
    ({"free_bits": 0.1, "objective": "iwae"}, "are of the KL divergence, which iwae does not have: take elbo"),
    ({"kl_balance": True}, "kl_balance weighs the KL of latents while warm_up lasts: give warm_up"),
    ({"kl_balance": 0.5}, "kl_balance is True or False"),
    ({"free_bits": 0.1, "objective": Objective()}, "are arguments of an Objective"),
]


@pytest.mark.parametrize(("options", "message"), INVALID, ids=[next(iter(o)) for o, _ in INVALID])
def test_invalid_options_are_refused_in_one_line(options, message):
    with pytest.raises(ZooError, match=message) as raised:
        fit(zoo.load("vae", Z=2, width=8, depth=1), np.eye(4), engine="svi", num_steps=1, **options)
    assert "\n" not in str(raised.value)


def test_training_stops_at_the_free_bits_and_reports_the_actual_kl(backend):
    """Data that say nothing of z: its KL falls to 0, but with free bits not far below these."""
    sample, plate, param, Normal = backend.statements
    name = "pyro" if isinstance(backend, PyroObjectives) else "numpyro"
    start: Any = np.array(1.5, np.float32)
    if name == "pyro":
        import pyro
        import torch

        start, param = torch.tensor(1.5), pyro.param
    else:
        import numpyro

        param = numpyro.param

    def program(x):
        with plate("N", len(x)):
            sample("z", Normal(0.0 * x, 1.0))
            sample("x", Normal(0.0 * x, 1.0), obs=x)

    def guide(x):
        m = param("m", start)
        with plate("N", len(x)):
            sample("z", Normal(m + 0.0 * x, 1.0))

    def kl_at_the_end(**options):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = zoo.Model(program, backend=name)
            options = {"guide": guide, "num_steps": 300, "learning_rate": 0.01, "kl": "analytic", **options}
            trained = fit(model, np.zeros(5), engine="svi", num_draws=2, **options)
        np.testing.assert_allclose(
            trained.diagnostics["epochs"]["kl_nats_per_row"][-1], trained.state["m"] ** 2 / 2, rtol=0.3
        )
        return trained.state["m"] ** 2 / 2

    assert kl_at_the_end() < 0.05
    assert 0.3 < kl_at_the_end(free_bits=0.5) <= 0.5
    assert 0.3 < kl_at_the_end(free_bits=0.5, warm_up=0.2, kl_balance=True) <= 0.5


@pytest.mark.parametrize("kl", ["sampled", "analytic"])
def test_a_shared_guide_has_the_groups_of_a_separate_one(backend, kl):
    sample, plate, param, Normal = backend.statements
    if isinstance(backend, PyroObjectives):
        from guides._shared.in_pyro import SharedGuide
    else:
        from guides._shared.in_numpyro import SharedGuide

    def program(x, *, N):
        with plate("N", N):
            z2 = sample("z2", Normal(0.0 * x, 1.0))
            z1 = sample("z1", Normal(z2, 1.0), infer={"features": 0.5 * z2})
            sample("x", Normal(z1, 1.0), obs=x)

    def posterior(name, prior, features, x):
        return Normal(param("a") * x if features is None else features + 0.2 * x, 0.8)

    for free_bits, kl_balance in ((0.3, 0.0), (0.1, 0.5)):
        objective = Objective(kl=kl, free_bits=free_bits, kl_balance=kl_balance)
        shared, separate, plain = (
            evaluate(backend, o, (program, SharedGuide(program, posterior, None, s)), {"a": 0.3}, fraction=0.1)
            for o, s in ((objective, False), (objective, True), (Objective(kl=kl), False))
        )
        np.testing.assert_allclose(shared[0], separate[0], rtol=1e-9)
        np.testing.assert_allclose(shared[2]["a"], separate[2]["a"], rtol=1e-9)
        assert abs(shared[0] - plain[0]) > 0.01
        assert shared[1]["kl"] == plain[1]["kl"]
