"""The steps of a linear-Gaussian chain, one by one, against the chain and the normal distribution."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import zoo
from tests.table import BACKENDS
from tests.test_chain_programs import language
from zoo._backend import in_backend

N, T, Z, K = 2, 4, 2, 3
RNG = np.random.default_rng(0)
A, B, VALUES = 0.7 * RNG.normal(size=(K, Z, Z)), RNG.normal(size=(K, Z)), RNG.normal(size=(N, T, Z))
STATES = np.array([[0, 1, 2, 1], [2, 2, 0, 1]])
S, Q = np.array([[1.5, 0.0], [0.4, 0.8]]), np.array([[0.6, 0.0], [-0.3, 1.1]])


def steps(backend: str, transition: np.ndarray, offset: np.ndarray) -> Any:
    array = language(backend)[2].asarray
    loc, *rest = (array(v) for v in (np.array([0.5, -1.0]), S, transition, offset, Q))
    return in_backend("zoo", backend).GaussianSteps(loc, *rest, T)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_steps_of_one_dynamic_sum_to_the_density_of_the_chain(backend):
    array = language(backend)[2].asarray
    with in_backend("zoo._backend", backend).runtime("float64"):
        by_step = np.asarray(steps(backend, A[:1], B[:1]).log_prob(array(VALUES)))
        loc, root, dynamics, noise = (array(v) for v in (np.array([0.5, -1.0]), S, A[0], Q))
        chain = in_backend("zoo", backend).GaussianChain(loc, root, dynamics, noise, T, array(B[:1]))
        whole = np.asarray(chain.log_prob(array(VALUES)))
    assert by_step.shape == (N, T)
    np.testing.assert_allclose(by_step.sum(-1), whole, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_step_has_its_own_dynamics_and_every_state_at_once(backend):
    array = language(backend)[2].asarray
    moved = np.einsum("kij,ntj->knti", A, VALUES[:, :-1]) + B[:, None, None]
    whitened = np.linalg.solve(Q, (VALUES[:, 1:] - moved)[..., None])[..., 0]
    expected = norm.logpdf(whitened).sum(-1) - np.log(np.diag(Q)).sum()  # (K, N, T - 1)
    with in_backend("zoo._backend", backend).runtime("float64"):
        path = np.asarray(steps(backend, A[STATES], B[STATES]).log_prob(array(VALUES)))
        every = np.asarray(steps(backend, A[:, None, None], B[:, None, None]).log_prob(array(VALUES)))
    assert every.shape == (K, N, T)
    np.testing.assert_allclose(every[..., 1:], expected, rtol=1e-12)
    np.testing.assert_allclose(path[:, 1:], np.take_along_axis(expected, STATES[None, :, 1:], 0)[0], rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_have_the_moments_of_the_steps(backend):
    num_draws = 20000
    mean, cov = np.array([0.5, -1.0]), S @ S.T
    with in_backend("zoo._backend", backend).runtime("float64"):
        distribution = steps(backend, A[STATES], B[STATES])
        if backend == "pyro":
            import torch

            torch.manual_seed(0)
            draws = distribution.rsample((num_draws,)).numpy()
        else:
            import jax

            draws = np.asarray(distribution.sample(jax.random.PRNGKey(0), (num_draws,)))
    for t in range(T):
        if t:
            k = STATES[1, t]
            mean, cov = A[k] @ mean + B[k], A[k] @ cov @ A[k].T + Q @ Q.T
        z = draws[:, 1, t]
        assert np.abs((z.mean(0) - mean) / np.sqrt(np.diag(cov) / num_draws)).max() < 4.5
        error = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / num_draws)
        assert np.abs((np.cov(z.T) - cov) / error).max() < 4.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_shapes_that_do_not_fit(backend):
    with in_backend("zoo._backend", backend).runtime("float64"):
        with pytest.raises(
            zoo.ZooError, match=r"transition of GaussianSteps is \(..., 4, 2, 2\), or .* not \(3, 2, 2\)"
        ):
            steps(backend, A, B[:1])
        with pytest.raises(zoo.ZooError, match="offset of GaussianSteps"):
            steps(backend, A[:1], B[0, :1])
