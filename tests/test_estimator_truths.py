"""Control variates and relaxations against quadrature, and against sums over every outcome."""

from __future__ import annotations

from functools import partial, reduce
from itertools import pairwise, product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from inference.objectives import estimators, learning
from inference.objectives.baselines import Network, RunningMean, SignalInputs, Sizes
from inference.objectives.estimators import in_numpyro
from inference.objectives.supports import Binary, OneHot
from zoo._backend.in_numpyro import runtime

functions: Any = in_numpyro
LOGITS = np.array([0.6, -1.1])
COUPLING = np.array([[0.0, 1.7], [0.0, 0.0]])
LINEAR = np.array([-0.8, 1.3])


def objective(b):
    """A function of two coupled numbers, (..., 2), that is smooth between their values."""
    return (b @ COUPLING * b).sum(-1) + b @ LINEAR + jnp.sin(2.0 * b.sum(-1))


def exact_gradient(objective=objective, logits=LOGITS):
    """By the sum over all values."""
    values, p = np.array(list(product((0.0, 1.0), repeat=len(logits)))), expit(logits)
    q = np.where(values == 1, p, 1 - p).prod(-1)
    return (q * np.asarray(objective(values))) @ (values - p)


class StubSite:
    """A ``DrawnSite`` of one objective of a row, at given noise."""

    functions: Any = functions

    def __init__(self, u, v, objective, logits):
        self.support: Any = Binary(functions)
        self.logits = jnp.broadcast_to(logits, u.shape)
        self.u, self.v, self.objective = u, v, objective
        self.value = self.support.draw(self.logits, u)
        self.f = objective(self.value)

    def noise(self):
        return self.v

    def evaluate_at(self, z, value, later, change=lambda f, z: f):
        return functions.value_and_slope(lambda z: change(self.objective(value(z)), z), z)

    def sum(self, array):
        return array.sum(-1)

    def flatten(self, value):
        return value

    def sum_plates(self, array):
        return array


def estimates(estimator, state, u, v, objective=objective, logits=LOGITS):
    """The estimator's gradient by the logits at each row of noise."""
    site: Any = StubSite(u, v, objective, logits)
    parts = estimator.parts(site, state)
    return jax.grad(lambda logits: estimator.surrogate(logits, parts, site).sum())(site.logits)


def quadrature(cuts, count):
    """Nodes and weights of Gauss and Legendre between each two cuts."""
    x, w = np.polynomial.legendre.leggauss(count)
    pieces = [((b - a) / 2 * x + (a + b) / 2, (b - a) / 2 * w) for a, b in pairwise(cuts)]
    return np.concatenate([x for x, _ in pieces]), np.concatenate([w for _, w in pieces])


def product_grid(*axes):
    """Points (P, axes) and weights (P,) of several quadratures."""
    points = np.stack(np.meshgrid(*(x for x, _ in axes), indexing="ij"), -1).reshape(-1, len(axes))
    weights = reduce(np.multiply.outer, (w for _, w in axes)).ravel()
    return points, weights


def state_of(name, units, **settings):
    estimator: Any = estimators.all_estimators()[name]
    estimator = estimator(**settings)
    state = estimator.initial_state(Sizes("z", None, units), jax.random.PRNGKey(0), functions)
    if name == "relax":  # its network is 0 at first
        state["outputs"] = 0.3 * jax.random.normal(jax.random.PRNGKey(1), state["outputs"].shape)
    return estimator, state


@pytest.mark.parametrize(("temperature", "scale"), [(0.5, 1.0), (1.0, 0.3)])
def test_rebar_of_coupled_numbers_has_the_exact_mean_by_quadrature(temperature, scale):
    with runtime("float64"):
        estimator, state = state_of("rebar", 2, temperature=temperature, scale=scale)
        noise = [quadrature((0.0, 1 - p, 1.0), 20) for p in expit(LOGITS)]
        points, weights = product_grid(*noise, *[quadrature((0.0, 1.0), 20)] * 2)
        slopes = jax.jit(partial(estimates, estimator, state))(points[:, :2], points[:, 2:])
        np.testing.assert_allclose(weights @ np.asarray(slopes), exact_gradient(), atol=1e-6)


@pytest.mark.parametrize("name", ["rebar", "relax"])
def test_control_variates_of_one_number_have_the_exact_mean_by_quadrature(name):
    def objective(b):
        return jnp.sin(2.0 * b[..., 0]) + 1.5 * b[..., 0]

    logits = np.array([0.6])
    with runtime("float64"):
        estimator, state = state_of(name, 1, temperature=0.7, scale=0.8)
        # over the logits of the noise, in which the network is smooth: it cuts the draws at minus the logit of p
        noise = [quadrature((-35.0, -0.6, 35.0), 200), quadrature((-35.0, 0.0, 35.0), 200)]
        points, weights = product_grid(*noise)
        density = (expit(points) * expit(-points)).prod(-1)
        u = expit(points)
        slopes = jax.jit(partial(estimates, estimator, state, objective=objective, logits=logits))(u[:, :1], u[:, 1:])
        mean = (weights * density) @ np.asarray(slopes)
        np.testing.assert_allclose(mean, exact_gradient(objective, logits), atol=1e-6)


def test_relax_of_coupled_numbers_has_the_mean_of_the_sum():
    with runtime("float64"):
        estimator, state = state_of("relax", 2)
        u, v = jax.random.uniform(jax.random.PRNGKey(2), (2, 200_000, 2), minval=1e-12)
        slopes = np.asarray(jax.jit(partial(estimates, estimator, state))(u, v))
        error = slopes.std(0) / np.sqrt(len(slopes))
        assert (np.abs(slopes.mean(0) - exact_gradient()) < 4.5 * error).all()
        assert error.max() < 0.01


def test_muprop_has_the_exact_mean():
    with runtime("float64"):
        mean, p = np.zeros(2), expit(LOGITS)
        for b in product((0, 1), repeat=2):
            u = np.where(b, 1 - p / 2, (1 - p) / 2)[None]  # any noise that gives this draw
            weight = np.where(b, p, 1 - p).prod()
            mean += weight * np.asarray(estimates(estimators.make("muprop"), {}, u, u))[0]
        np.testing.assert_allclose(mean, exact_gradient(), atol=1e-10)


def test_learning_lowers_the_variance_of_rebar():
    with runtime("float64"):
        estimator, state = state_of("rebar", 2, temperature=3.0, scale=2.0)

        def loss(values, key):
            u, v = jax.random.uniform(key, (2, 200, 2), minval=1e-12)
            return (estimates(estimator, {**state, **values}, u, v) ** 2).sum() / 200

        before = float(loss(learning.values_of(state), jax.random.PRNGKey(99)))
        slope = jax.jit(jax.grad(loss))
        for i in range(200):
            state = learning.step(state, slope(learning.values_of(state), jax.random.PRNGKey(i)), 0.05)
        after = float(loss(learning.values_of(state), jax.random.PRNGKey(99)))
    assert after < 0.8 * before


@pytest.mark.parametrize("baseline", [RunningMean(), Network()], ids=["running mean", "network"])
def test_a_baseline_learns_what_the_objective_is(baseline):
    with runtime("float64"):
        key, noise = jax.random.PRNGKey(0), np.random.default_rng(0)
        x = noise.normal(size=(500, 3))
        target = 20.0 + 5.0 * np.tanh(x[:, 0])
        state = baseline.initial_state(Sizes("z", 3, 1), key, functions)
        update = jax.jit(lambda state, f, x: baseline.update(f, SignalInputs(state, x, functions)))
        for _ in range(1000):
            rows = noise.integers(0, 500, 50)
            state = update(state, target[rows][None] + noise.normal(size=(1, 50)), x[rows])
        value = np.asarray(baseline.value(SignalInputs(state, x, functions)))
        error = np.sqrt(np.mean((target - value) ** 2))
        spread = target.std()
    assert np.mean(value) == pytest.approx(20.0, abs=0.5)
    assert error < (0.25 * spread if isinstance(baseline, Network) else 1.1 * spread)
    assert float(state["variance"]) ** 0.5 == pytest.approx(np.hypot(spread, 1.0), rel=0.15)


@pytest.mark.parametrize("shape", [(), (4,)], ids=["binary", "one-hot"])
def test_relaxed_draws_given_the_hard_one_have_its_value_and_their_distribution(shape):
    with runtime("float64"):
        support: Any = OneHot(functions) if shape else Binary(functions)
        logits = jnp.array([0.5, -1.0, 0.2, 1.3]) if shape else jnp.array(0.7)
        u, v = jax.random.uniform(jax.random.PRNGKey(0), (2, 100_000, *shape), minval=1e-12)
        z = support.relaxable(logits, u)
        value = support.draw(logits, u)
        np.testing.assert_array_equal(value, support.hard(z))
        again = support.relaxable_given(logits, value, v)
        np.testing.assert_array_equal(support.hard(again), value)
        np.testing.assert_allclose(value.mean(0), support.mean(logits), atol=4.5 * 0.5 / np.sqrt(len(u)))
        for power in (1, 2):  # z given its hard value has the distribution of z
            a, b = np.asarray(z**power), np.asarray(again**power)
            error = np.sqrt((a.var(0) + b.var(0)) / len(u))
            assert (np.abs(a.mean(0) - b.mean(0)) < 4.5 * error).all()


def test_densities_of_relaxed_draws_integrate_to_one():
    with runtime("float64"):
        y, temperature = jnp.linspace(-60.0, 60.0, 200_001), jnp.array(0.7)
        log = Binary(functions).log_density(jnp.array(0.4), y * temperature, temperature)
        assert float(jnp.trapezoid(jnp.exp(log), y)) == pytest.approx(1.0, abs=1e-6)
        # of two categories: y = log softmax, by its logit l the density is that of y times the Jacobian
        l = jnp.linspace(-60.0, 60.0, 200_001)  # noqa: E741
        z = jnp.stack([l, jnp.zeros_like(l)], -1) * temperature
        log = OneHot(functions).log_density(jnp.array([0.4, 0.0]), z, temperature)
        assert float(jnp.trapezoid(jnp.exp(log), l)) == pytest.approx(1.0, abs=1e-6)
