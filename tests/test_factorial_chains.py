"""Two chains with emissions in common, a factorial hidden Markov model, against the sum over all pairs of paths."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import inference
import zoo
from inference import sequences
from tests.table import BACKENDS

K, L, T = 2, 3, 4


def numpyro_program(x):
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Dirichlet, Normal

    from zoo.in_numpyro import Chain

    N, T = x.shape
    a = sample("a", Normal(jnp.zeros(K), 2.0).to_event(1))
    b = sample("b", Normal(jnp.zeros(L), 2.0).to_event(1))
    with plate("first", K):
        A = sample("A", Dirichlet(jnp.ones(K)))
    with plate("second", L):
        B = sample("B", Dirichlet(jnp.ones(L)))
    with plate("rows", N, dim=-2):
        z = sample("z", Chain(jnp.ones(K) / K, A, T))
        w = sample("w", Chain(jnp.ones(L) / L, B, T))
        with plate("time", T, dim=-1):
            sample("x", Normal(a[z] + b[w], 1.0), obs=x)


def pyro_program(x):
    import torch
    from pyro import plate, sample
    from pyro.distributions import Dirichlet, Normal

    from zoo.in_pyro import Chain

    N, T = x.shape
    a = sample("a", Normal(torch.zeros(K), 2.0).to_event(1))
    b = sample("b", Normal(torch.zeros(L), 2.0).to_event(1))
    with plate("first", K):
        A = sample("A", Dirichlet(torch.ones(K)))
    with plate("second", L):
        B = sample("B", Dirichlet(torch.ones(L)))
    with plate("rows", N, dim=-2):
        z = sample("z", Chain(torch.ones(K) / K, A, T))
        w = sample("w", Chain(torch.ones(L) / L, B, T))
        with plate("time", T, dim=-1):
            sample("x", Normal(a[z] + b[w], 1.0), obs=x)


@pytest.fixture(scope="module", params=BACKENDS)
def fitted(request):
    x = np.float32(2 * np.random.default_rng(0).normal(size=(3, T))).astype(float)  # JAX takes 32 bits by default
    arrays: Any = x
    if request.param == "numpyro":
        import jax.numpy as jnp

        arrays = jnp.asarray(x)
    else:
        import torch

        arrays = torch.as_tensor(x)
    program = {"numpyro": numpyro_program, "pyro": pyro_program}[request.param]
    return x, inference.fit(zoo.Model(program, backend=request.param), arrays, engine="em", max_iter=4)


def brute_force(params, row):
    """log p of a sequence, and the probabilities of the states of both chains, by all pairs of paths."""
    total, first, second = 0.0, np.zeros((T, K)), np.zeros((T, L))
    for z in itertools.product(range(K), repeat=T):
        for w in itertools.product(range(L), repeat=T):
            p = norm.pdf(row, params["a"][list(z)] + params["b"][list(w)]).prod() / (K * L)
            for t in range(1, T):
                p *= params["A"][z[t - 1], z[t]] * params["B"][w[t - 1], w[t]]
            total += p
            first[range(T), z] += p
            second[range(T), w] += p
    return np.log(total), first / total, second / total


def test_the_sum_is_over_all_pairs_of_paths(fitted):
    x, fit = fitted
    truth = [brute_force(fit.params, row) for row in x]
    np.testing.assert_allclose(fit.trace[-1], sum(t[0] for t in truth), rtol=1e-9)
    for site, index in (("z", 1), ("w", 2)):
        expected = np.stack([t[index] for t in truth])
        np.testing.assert_allclose(sequences.smoothed(fit, site=site), expected, atol=1e-9)


def test_what_needs_a_chain_by_itself_says_so(fitted):
    _, fit = fitted
    for question in (sequences.filtered, sequences.most_probable_path, sequences.paths, sequences.durations):
        with pytest.raises(zoo.ZooError, match="emissions in common with w"):
            question(fit, site="z")
