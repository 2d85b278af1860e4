"""Sums, marginals, best paths and draws of chains against the list of all paths."""

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import zoo
from inference.exact import markov
from inference.exact.markov import in_numpyro, in_pyro

B, T, K = 2, 6, 3
PATHS = np.array(list(itertools.product(range(K), repeat=T)))


class Truth(NamedTuple):
    """Of all paths: their log weights (B, K^T), the log of the sum (B), marginals (B, T, K) and pairs."""

    log_weights: np.ndarray
    log_sum: np.ndarray
    marginals: np.ndarray
    pairs: np.ndarray


def logs(seed: int, num_transitions: int, has_zeros: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    states = 3 * rng.normal(size=(B, T, K))
    transitions = np.log(rng.dirichlet(np.ones(K), (B, num_transitions, K)))
    if has_zeros:
        states[0, 0, 1:] = states[1, 3, 2] = transitions[..., 2, 0] = transitions[..., 1, 0] = -np.inf
    return states, transitions


def list_paths(states: np.ndarray, transitions: np.ndarray) -> Truth:
    every = np.broadcast_to(transitions, (B, T - 1, K, K))
    weights = states[:, np.arange(T), PATHS].sum(-1)
    weights = weights + every[:, np.arange(T - 1), PATHS[:, :-1], PATHS[:, 1:]].sum(-1)
    log_sum = logsumexp(weights, axis=1)
    p, one_hot = np.exp(weights - log_sum[:, None]), np.eye(K)[PATHS]
    pairs = np.einsum("bp,ptj,ptk->btjk", p, one_hot[:, :-1], one_hot[:, 1:])
    pairs = pairs if transitions.shape[1] > 1 else pairs.sum(1, keepdims=True)
    return Truth(weights, log_sum, np.einsum("bp,ptk->btk", p, one_hot), pairs)


CASES = [(1, False), (1, True), (T - 1, False), (T - 1, True)]
FORWARD_PASSES = {
    "numpyro": in_numpyro.forward_pass,
    "pyro": in_pyro.forward_pass,
    "pyro by halves": in_pyro.forward_pass_by_halves,
}


def gradients(name: str, states: np.ndarray, transitions: np.ndarray) -> tuple[np.ndarray, ...]:
    """The log sums, and the derivatives of their total."""
    forward_pass: Any = FORWARD_PASSES[name]
    if name == "numpyro":

        def total(*arguments: Any) -> Any:
            log_sum = forward_pass(*arguments)
            return log_sum.sum(), log_sum

        (_, log_sum), grads = jax.value_and_grad(total, (0, 1), has_aux=True)(*map(jnp.asarray, (states, transitions)))
        return np.asarray(log_sum), *map(np.asarray, grads)
    arguments = [torch.tensor(a, requires_grad=True) for a in (states, transitions)]
    log_sum = forward_pass(*arguments)
    return log_sum.detach().numpy(), *(
        g.numpy() for g in torch.autograd.grad(log_sum.sum(), arguments, materialize_grads=True)
    )


@pytest.mark.parametrize("name", FORWARD_PASSES)
def test_sums_and_their_gradients_equal_the_list_of_all_paths(name):
    with jax.enable_x64(True):
        for num_transitions, has_zeros in CASES:
            states, transitions = logs(0, num_transitions, has_zeros)
            truth = list_paths(states, transitions)
            for array, expected in zip(gradients(name, states, transitions), truth[1:], strict=True):
                np.testing.assert_allclose(array, expected, atol=1e-12)


@pytest.mark.parametrize(("num_transitions", "has_zeros"), CASES)
def test_the_kernels_equal_the_list_of_all_paths(num_transitions, has_zeros):
    states, transitions = logs(1, num_transitions, has_zeros)
    truth = list_paths(states, transitions)
    for array, expected in zip(markov.smooth(states, transitions), truth[1:], strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-12)
    for t in range(T):  # what is filtered at t is smoothed by the steps up to t
        until = markov.smooth(states[:, : t + 1], transitions[:, : max(t, 1)] if num_transitions > 1 else transitions)
        np.testing.assert_allclose(markov.filter_states(states, transitions)[:, t], until.marginals[:, t], atol=1e-12)
    best = markov.best_paths(states, transitions, num_paths=20)
    order = np.argsort(-truth.log_weights, axis=1, kind="stable")[:, :20]
    np.testing.assert_allclose(best.log_weights, np.take_along_axis(truth.log_weights, order, 1), rtol=1e-12)
    assert (best.states == PATHS[order]).all()


def test_draws_have_the_probabilities_of_the_paths():
    num_draws, (states, transitions) = 20_000, logs(2, T - 1, True)
    truth = list_paths(0.3 * states, transitions)
    draws = markov.draw_paths(0.3 * states, transitions, num_draws, np.random.default_rng(0))
    assert draws.shape == (B, num_draws, T)
    for b in range(B):
        counts = np.bincount(draws[b] @ K ** np.arange(T)[::-1], minlength=K**T)
        expected = num_draws * np.exp(truth.log_weights[b] - truth.log_sum[b])
        assert not counts[expected == 0].any()
        counts, expected = counts[expected > 0], expected[expected > 0]
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - len(counts) + 1) < 5 * np.sqrt(2 * len(counts) + (1 / expected).sum())


def test_second_derivatives_agree():
    states, transitions = logs(3, 1, True)
    direction = np.random.default_rng(0).normal(size=states.shape)
    point = torch.tensor(states, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        in_pyro.forward_pass(point, torch.tensor(transitions)).sum(), point, create_graph=True
    )
    (product,) = torch.autograd.grad(gradient, point, torch.tensor(direction))
    step = 1e-5
    after, before = (markov.smooth(states + h * direction, transitions).marginals for h in (step, -step))
    np.testing.assert_allclose(product.numpy(), (after - before) / (2 * step), atol=1e-8)
    with jax.enable_x64(True):
        gradient = jax.grad(lambda s: in_numpyro.forward_pass(s, jnp.asarray(transitions)).sum())
        _, forward = jax.jvp(gradient, (jnp.asarray(states),), (jnp.asarray(direction),))
        np.testing.assert_allclose(forward, product.numpy(), atol=1e-12)


def test_long_chains_in_32_bits():
    rng, length = np.random.default_rng(0), 100_000
    states = (3 * rng.normal(size=(length, K)) - 6).astype(np.float32)
    transitions = np.log(rng.dirichlet(np.ones(K), (1, K))).astype(np.float32)
    truth = markov.smooth(states, transitions)
    assert np.isfinite(truth.log_sum)
    value, gradient = jax.jit(jax.value_and_grad(in_numpyro.forward_pass))(
        jnp.asarray(states), jnp.asarray(transitions)
    )
    point = torch.tensor(states, requires_grad=True)
    log_sum = in_pyro.forward_pass(point, torch.tensor(transitions))
    (slope,) = torch.autograd.grad(log_sum, point)
    assert value.dtype == np.float32
    assert log_sum.dtype == torch.float32
    for log_p, marginals in ((float(value), np.asarray(gradient)), (log_sum.item(), slope.numpy())):
        assert abs(log_p / truth.log_sum - 1) < 1e-6
        np.testing.assert_allclose(marginals, truth.marginals, atol=1e-4)


def test_parts_that_never_meet_lose_no_path():
    """The data prefers one part of the chain by e^2000, and then the other by e^4000."""
    transitions = np.log(np.array([[[1.0, 0.0], [0.0, 1.0]]]) + 1e-320)
    states = np.zeros((400, 2))
    states[:200, 1], states[200:, 0] = -10.0, -20.0
    smoothed = markov.smooth(states, np.where(transitions < -700, -np.inf, transitions))
    np.testing.assert_allclose(smoothed.log_sum, -2000.0)
    np.testing.assert_allclose(smoothed.marginals, np.tile([0.0, 1.0], (400, 1)), atol=1e-12)


@pytest.mark.parametrize("name", FORWARD_PASSES)
def test_impossible_steps_and_chains_of_one_step(name):
    states, transitions = logs(4, 1, False)
    states[0, 2] = -np.inf
    with jax.enable_x64(True):
        log_sum, marginals, _ = gradients(name, states, transitions)
        assert log_sum[0] == -np.inf
        assert np.isfinite(log_sum[1])
        assert not np.isnan(marginals).any()
        for num_transitions in (0, 1):
            one = gradients(name, states[:, :1], transitions[:, :num_transitions])
            np.testing.assert_allclose(one[0], logsumexp(states[:, 0], axis=-1))
    assert (markov.draw_paths(states, transitions, 2, np.random.default_rng(0))[0] == -1).all()
    assert (markov.best_paths(states, transitions).states[0] == -1).all()
    assert np.isnan(markov.filter_states(states, transitions)[0, 2:]).all()


def test_steps_without_data_add_nothing():
    states, transitions = logs(5, 1, False)
    longer = np.concatenate([states, np.zeros((B, 3, K))], axis=1)
    short, long = markov.smooth(states, transitions), markov.smooth(longer, transitions)
    np.testing.assert_allclose(long.log_sum, short.log_sum, rtol=1e-13)
    np.testing.assert_allclose(long.marginals[:, :T], short.marginals, atol=1e-13)


@pytest.mark.parametrize("num_paths", [0, 10, 1.5])
def test_more_paths_than_there_are(num_paths):
    states, transitions = logs(0, 1, False)
    with pytest.raises(zoo.ZooError, match="T=2 steps among K=3 states has from 1 to K"):
        markov.best_paths(states[:, :2], transitions, num_paths)
