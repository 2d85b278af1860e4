"""The distribution of a chain of states in both languages, against the sum over all paths."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import zoo
from tests.table import BACKENDS
from zoo._backend import in_backend

N, T, K = 3, 4, 3
RNG = np.random.default_rng(0)
ROW, SQUARE = RNG.dirichlet(np.ones(K)), RNG.dirichlet(np.ones(K), K)
PARAMETERS = {
    "shared": (ROW, SQUARE),
    "by row": (RNG.dirichlet(np.ones(K), (N, 1)), RNG.dirichlet(np.ones(K), (N, 1, K))),
    "by step": (ROW, RNG.dirichlet(np.ones(K), (T - 1, K))),
    "by row and step": (RNG.dirichlet(np.ones(K), (N, 1)), RNG.dirichlet(np.ones(K), (N, T - 1, K))),
}
PATHS = np.array(list(itertools.product(range(K), repeat=T)))


def chain(backend: str, initial: Any, transition: Any, T: Any = T) -> Any:
    convert = torch.tensor if backend == "pyro" else jnp.asarray
    return in_backend("zoo", backend).Chain(convert(np.array(initial)), convert(np.array(transition)), T)


def log_prob(distribution: Any, states: np.ndarray) -> np.ndarray:
    is_torch = type(distribution).__module__.endswith("in_pyro")
    return np.asarray(distribution.log_prob(torch.tensor(states) if is_torch else jnp.asarray(states)))


def sample(distribution: Any, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    if type(distribution).__module__.endswith("in_pyro"):
        torch.manual_seed(seed)
        return distribution.sample(shape).numpy()
    return np.asarray(distribution.sample(jax.random.PRNGKey(seed), shape))


def path_probabilities(initial: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """The probability of each path in each row, (N, K^T), by multiplying."""
    initial = np.broadcast_to(initial.reshape(-1, K), (N, K))
    transition = np.broadcast_to(transition.reshape(-1, *(transition.shape[-3:-2] or (1,)), K, K), (N, T - 1, K, K))
    steps = [transition[:, t, PATHS[:, t], PATHS[:, t + 1]] for t in range(T - 1)]
    return initial[:, PATHS[:, 0]] * np.prod(steps, axis=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", PARAMETERS)
def test_the_density_is_the_product_over_the_steps(case, backend):
    with in_backend("zoo._backend", backend).runtime("float64"):
        distribution = chain(backend, *PARAMETERS[case]).expand((N, T))
        logs = log_prob(distribution, np.broadcast_to(PATHS[:, None], (len(PATHS), N, T)))
    assert logs.shape == (len(PATHS), N, T)
    expected = path_probabilities(*PARAMETERS[case]).T
    np.testing.assert_allclose(np.exp(logs.sum(-1)), expected, rtol=1e-12)
    np.testing.assert_allclose(expected.sum(0), 1.0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", ["by row", "by step"])
def test_draws_have_the_probabilities_of_the_paths(case, backend):
    num_draws = 4000
    with in_backend("zoo._backend", backend).runtime("float64"):
        draws = sample(chain(backend, *PARAMETERS[case]).expand((N, T)), (num_draws,), seed=1)
    assert draws.shape == (num_draws, N, T)
    index = draws @ K ** np.arange(T)[::-1]
    p = path_probabilities(*PARAMETERS[case])
    for n in range(N):
        counts, expected = np.bincount(index[:, n], minlength=K**T), num_draws * p[n]
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - K**T + 1) < 5 * np.sqrt(2 * K**T + (1 / expected).sum())  # its sd (Haldane 1937)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_step_and_states_without_probability(backend):
    with in_backend("zoo._backend", backend).runtime("float64"):
        one = chain(backend, ROW, SQUARE, T=1)
        np.testing.assert_allclose(log_prob(one, np.array([2])), np.log(ROW[2:]))
        assert sample(one, (5,)).shape == (5, 1)
        left_to_right = chain(backend, [0.0, 1.0, 0.0], [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
        draws = sample(left_to_right, (200,))
        assert (draws[:, 0] == 1).all()
        assert (np.diff(draws, axis=1) >= 0).all()
        assert (log_prob(left_to_right, np.array([1, 1, 2, 1])) == [0.0, np.log(0.5), np.log(0.5), -np.inf]).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ROW, SQUARE, 0), "T is the number of steps of a Chain: give a whole number from 1 up, not 0"),
        ((ROW, SQUARE, 2.5), "not 2.5"),
        ((ROW, SQUARE[:2], 4), r"K=3 states: transition is \(3, 3\), not \(2, 3\)"),
        ((np.stack([ROW, ROW]), SQUARE, 4), "with a 1 for time"),
        ((ROW, np.stack([SQUARE] * 4), 4), r"T - 1 = 3 transitions: .*not \(4, 3, 3\)"),
        ((ROW, SQUARE + np.array([[0.0], [0.1], [0.0]]), 4), "transition of a Chain .* row 1 sums to 1.3, not to 1"),
        (([1.5, -0.5, 0.0], SQUARE, 4), "initial of a Chain .* it has -0.5"),
    ],
)
def test_parameters_that_no_chain_has(arguments, message, backend):
    with in_backend("zoo._backend", backend).runtime("float64"), pytest.raises(zoo.ZooError, match=message):
        chain(backend, *arguments)


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_that_no_chain_has(backend):
    with in_backend("zoo._backend", backend).runtime("float64"), pytest.raises(zoo.ZooError, match="from 0 to 2: 3 is"):
        log_prob(chain(backend, ROW, SQUARE), np.array([0, 1, 3, 2]))
