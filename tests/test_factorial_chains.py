"""Two chains with emissions in common, a factorial hidden Markov model, against the list of all pairs of paths."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import inference
import zoo
from inference import enumeration, sequences
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


PATHS = list(itertools.product(itertools.product(range(K), repeat=T), itertools.product(range(L), repeat=T)))
STATES = {site: np.array([pair[i] for pair in PATHS]) for i, site in enumerate(("z", "w"))}  # of each pair of paths
SIZES = {"z": K, "w": L}


def list_pairs(params, row, length=T):
    """log p of the steps up to ``length`` and of both paths, for every pair of paths."""
    z, w = STATES["z"], STATES["w"]
    logs = norm.logpdf(row, params["a"][z] + params["b"][w])[:, :length].sum(1) - np.log(K * L)
    A, B = np.log(params["A"]), np.log(params["B"])
    return logs + (A[z[:, :-1], z[:, 1:]] + B[w[:, :-1], w[:, 1:]]).sum(1)


def probabilities(logs):
    return np.exp(logs - logsumexp(logs))


def state_probabilities(p, site):
    """The probabilities of the states of a chain at each step, from those of the pairs of paths."""
    return np.einsum("p,ptk->tk", p, np.eye(SIZES[site])[STATES[site]])


def test_the_sum_is_over_all_pairs_of_paths(fitted):
    x, fit = fitted
    np.testing.assert_allclose(fit.trace[-1], sum(logsumexp(list_pairs(fit.params, row)) for row in x), rtol=1e-9)


@pytest.mark.parametrize("site", SIZES)
def test_states_are_those_of_all_pairs_of_paths(fitted, site):
    x, fit = fitted
    smoothed, filtered = (question(fit, site=site) for question in (sequences.smoothed, sequences.filtered))
    steps = sequences.predictive_log_likelihood(fit, site=site)
    best = sequences.most_probable_path(fit, num_paths=5, site=site)
    for n, row in enumerate(x):
        logs = list_pairs(fit.params, row)
        p = probabilities(logs)
        np.testing.assert_allclose(smoothed[n], state_probabilities(p, site), atol=1e-10)
        for t in range(T):
            so_far = list_pairs(fit.params, row, t + 1)
            np.testing.assert_allclose(filtered[n, t], state_probabilities(probabilities(so_far), site)[t], atol=1e-10)
            np.testing.assert_allclose(steps[n, : t + 1].sum(), logsumexp(so_far), rtol=1e-9)
        order = np.argsort(-logs)[:5]
        np.testing.assert_allclose(best.log_probability[n], np.log(p[order]), atol=1e-10)
        np.testing.assert_array_equal(best.states[n], STATES[site][order])
        for other, states in best.chains.items():
            np.testing.assert_array_equal(states[n], STATES[other][order])
    np.testing.assert_array_equal(sequences.most_probable_path(fit, site=site).states, best.states[:, 0])


def chi_square(draws, p, num_draws):
    """How many of its standard deviations the statistic of pairs of paths is above its mean."""
    counts = np.bincount(draws, minlength=len(p))
    is_likely = p * num_draws > 1
    expected = num_draws * np.append(p[is_likely], p[~is_likely].sum())
    counts = np.append(counts[is_likely], counts[~is_likely].sum())
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - len(expected) + 1) / np.sqrt(2 * len(expected) + (1 / expected).sum())


def index_of_pairs(states):
    """The index in ``PATHS`` of draws of both paths, {site: (..., T)}."""
    z, w = (states[site] @ SIZES[site] ** np.arange(T)[::-1] for site in ("z", "w"))
    return z * L**T + w


def test_paths_are_drawn_together_by_their_probability(fitted):
    x, fit = fitted
    num_draws = 20000
    draws = {site: sequences.paths(fit, num_paths=num_draws, seed=3, site=site) for site in SIZES}
    index = index_of_pairs(draws)
    for n, row in enumerate(x):
        assert abs(chi_square(index[:, n], probabilities(list_pairs(fit.params, row)), num_draws)) < 5


def test_labels_are_drawn_together_by_their_probability(fitted):
    x, fit = fitted
    num_draws = 800
    params = {n: np.broadcast_to(v, (1, num_draws, *v.shape)) for n, v in fit.params.items()}
    draws = enumeration.sample_labels(fit.fitted_model, params, fit.data, seed=1)
    index = index_of_pairs({site: draws[site][0] for site in SIZES})
    for n, row in enumerate(x):
        assert abs(chi_square(index[:, n], probabilities(list_pairs(fit.params, row)), num_draws)) < 5


def test_durations_are_those_of_the_own_transitions(fitted):
    _, fit = fitted
    for site, name in (("z", "A"), ("w", "B")):
        stays = sequences.durations(fit, site=site, num_paths=5)
        np.testing.assert_allclose(stays.expected, 1 / (1 - np.diag(fit.params[name])), rtol=1e-9)
        assert len(stays.lengths) == SIZES[site]


def test_questions_name_one_of_the_chains(fitted):
    _, fit = fitted
    with pytest.raises(zoo.ZooError, match="the chains of the program are z, w; name one of them"):
        sequences.paths(fit)
