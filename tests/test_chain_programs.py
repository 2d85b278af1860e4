"""Programs with chains, summed out, against the list of every path and label."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import zoo
from inference import enumeration
from tests.table import BACKENDS
from zoo._backend import in_backend

N, T, K, C, M = 2, 3, 2, 2, 2
RNG = np.random.default_rng(0)
VALUES = {  # of the parameters, rows of each program alike
    "w": RNG.dirichlet(np.ones(C)),
    "pi": RNG.dirichlet(np.ones(K), C),
    "A": RNG.dirichlet(np.ones(K), (C, K)),
    "v": RNG.dirichlet(np.ones(M), K),
    "mu": 2 * RNG.normal(size=(K, M)),
}
X = RNG.normal(size=(N, T))
X[0, 1] = np.nan


def language(backend: str) -> tuple[Any, Any, Any]:
    """The statements, the distributions, and the functions of arrays; torch has ``asarray``, too."""
    if backend == "numpyro":
        import jax.numpy
        import numpyro
        import numpyro.distributions

        return numpyro, numpyro.distributions, jax.numpy
    import pyro
    import pyro.distributions
    import torch

    return pyro, pyro.distributions, torch


def chain_program(backend: str) -> zoo.Model:
    """A chain whose parameters a label of the sequence chooses, with a mixture of two normals in each state."""
    pp, dist, array = *language(backend)[:2], language(backend)[2].asarray
    Chain = in_backend("zoo", backend).Chain
    Normal = in_backend("zoo._distributions", backend).DiagonalNormal

    def program(x=None, *, N, T):
        w, pi, A, v, mu = (array(VALUES[n]) for n in ("w", "pi", "A", "v", "mu"))
        shift = pp.sample("shift", dist.Normal(array(0.0), 1.0))
        with pp.plate("N", N, dim=-2):
            c = pp.sample("c", dist.Categorical(w))
            z = pp.sample("z", Chain(pi[c], A[c], T))
            with pp.plate("T", T, dim=-1):
                m = pp.sample("m", dist.Categorical(v[z]))
                pp.sample("x", Normal((mu[z, m] + shift)[..., None], array(np.ones(1))), obs=x)

    card = zoo.Card(
        name="chain",
        title="Chain",
        citation="",
        latents={"shift": "real", "c": "category [N]", "z": "category [N T]", "m": "category [N T]"},
        observed={"x": "real [N T D]"},
        enumerated=("c", "z", "m"),
        sizes={"N": N, "T": T, "D": 1},
        missing=("x",),
    )
    return zoo.Model(program, backend=backend, card=card)


def every_assignment(x: np.ndarray, shift: float) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """The log joint density of one row with each assignment (c, z_1, ..., z_T, m_1, ..., m_T)."""
    assignments = list(itertools.product(range(C), *[range(K)] * T, *[range(M)] * T))
    logs = []
    for c, *rest in assignments:
        z, m = rest[:T], rest[T:]
        log = np.log(VALUES["w"][c]) + np.log(VALUES["pi"][c, z[0]])
        log += sum(np.log(VALUES["A"][c, z[t], z[t + 1]]) for t in range(T - 1))
        log += sum(np.log(VALUES["v"][z[t], m[t]]) for t in range(T))
        density = norm.logpdf(x, VALUES["mu"][z, m] + shift)
        logs.append(log + np.where(np.isnan(x), 0.0, density).sum())
    return np.array(logs), assignments


@pytest.mark.parametrize("backend", BACKENDS)
def test_sums_and_draws_equal_the_list_of_every_assignment(backend):
    model, shift, num_draws = chain_program(backend), 0.3, 300  # draws of Pyro are one by one
    params = {"shift": np.array(shift)}
    log_p = enumeration.log_marginal(model, params, X[..., None])
    posterior = enumeration.responsibilities(model, params, X[..., None])
    draws = enumeration.sample_labels(model, {"shift": np.full((1, num_draws), shift)}, X[..., None], seed=2)
    assert {n: p.shape for n, p in posterior.items()} == {"c": (N, C), "z": (N, T, K), "m": (N, T, M)}
    assert {n: d.shape[2:] for n, d in draws.items()} == {"c": (N,), "z": (N, T), "m": (N, T)}
    for n in range(N):
        logs, assignments = every_assignment(X[n], shift)
        np.testing.assert_allclose(log_p[n], logsumexp(logs), rtol=1e-12)
        p, values = np.exp(logs - logsumexp(logs)), np.array(assignments)
        exact = np.stack([(p[:, None] * (values == k)).sum(0) for k in range(2)], axis=-1)
        for i, (name, size) in enumerate((("c", 1), ("z", T), ("m", T))):
            first = (0, 1, 1 + T)[i]
            np.testing.assert_allclose(posterior[name][n].reshape(size, 2), exact[first : first + size], atol=1e-12)
        sampled = np.concatenate([draws["c"][0, :, n, None], draws["z"][0, :, n], draws["m"][0, :, n]], axis=1)
        index = sampled @ 2 ** np.arange(2 * T + 1)[::-1]
        counts, expected = np.bincount(index, minlength=len(p)), num_draws * p
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - len(p) + 1) < 5 * np.sqrt(2 * len(p) + (1 / expected).sum())


@pytest.mark.parametrize("backend", BACKENDS)
def test_sequences_of_different_lengths_are_separate_ones(backend):
    model, params = chain_program(backend), {"shift": np.array(-0.2)}
    ragged = X.copy()
    ragged[1, 2:] = np.nan
    log_p = enumeration.log_marginal(model, params, ragged[..., None])
    alone = enumeration.log_marginal(model, params, ragged[1:, :2, None])
    np.testing.assert_allclose(log_p[1:], alone, rtol=1e-13)


def refused_programs(backend: str) -> dict[str, tuple[Any, str]]:
    """Programs without an exact sum, and what the error says."""
    pp, dist, array = *language(backend)[:2], language(backend)[2].asarray
    Chain = in_backend("zoo", backend).Chain
    half = np.full(2, 0.5)

    def chain(name):
        return pp.sample(name, Chain(array(half), array(np.full((2, 2), 0.5)), 3))

    def whole(x=None):
        shift = pp.sample("shift", dist.Normal(array(0.0), 1.0))
        z = chain("z")
        with pp.plate("N", 4, dim=-2):
            pp.sample("x", dist.Normal(1.0 * z[..., :1] + shift, array(1.0)), obs=x)

    def pair(x=None):
        shift = pp.sample("shift", dist.Normal(array(0.0), 1.0))
        first = chain("first")
        with pp.plate("N", 4, dim=-2):
            second = chain("second")
            with pp.plate("T", 3, dim=-1):
                pp.sample("x", dist.Normal(1.0 * first + second + shift, array(1.0)), obs=x)

    def masked(x=None):
        shift = pp.sample("shift", dist.Normal(array(0.0), 1.0))
        z = pp.sample("z", Chain(array(half), array(np.full((2, 2), 0.5)), 3).mask(array(np.array(True))))
        with pp.plate("N", 3, dim=-1):
            pp.sample("x", dist.Normal(1.0 * z + shift, array(1.0)), obs=x)

    return {
        "whole": (whole, "a site depends on z, a chain of 3 steps, and not step by step"),
        "pair": (pair, "second and first are chains with emissions in common and in different plates"),
        "masked": (masked, "z is a chain and masked"),
    }


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["whole", "pair", "masked"])
def test_programs_without_an_exact_sum(name, backend):
    program, message = refused_programs(backend)[name]
    density = in_backend("inference.exact.enumeration", backend).EnumeratedDensity
    convert = language(backend)[2].asarray
    with in_backend("zoo._backend", backend).runtime("float64"):
        shape = {"whole": (4, 1), "pair": (4, 3), "masked": 3}[name]
        x, zero = convert(np.zeros(shape)), convert(np.array(0.0))
        with pytest.raises(zoo.ZooError, match=message):
            density(program, {}, {"x": x}).total({"shift": zero})
