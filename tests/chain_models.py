"""Hidden Markov models in both languages, written once."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo
from zoo._backend import in_backend

CARD = zoo.Card(
    name="hidden_markov",
    title="Hidden Markov model",
    citation="",
    latents={
        "pi": "simplex [K]",
        "A": "simplex [K K]",
        "mu": "real [K D]",
        "Lambda": "positive [K D]",
        "z": "category [N T]",
    },
    observed={"x": "real [N T D]"},
    enumerated=("z",),
    sizes={"N": 3, "T": 6, "D": 2, "K": 3},
    variants={
        "emission": {
            "normal": {},
            "bernoulli": {"mu": "unit [K D]", "Lambda": None, "x": "binary [N T D]"},
            "poisson": {"mu": "positive [K D]", "Lambda": None, "x": "count [N T D]"},
        }
    },
    missing=("x",),
    exact=("enumeration", "posterior"),
)


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


def hidden_markov(backend: str, **settings: Any) -> zoo.Model:
    """A hidden Markov model with normal, Bernoulli or Poisson emissions, in which NaN marks a missing value."""
    pp, dist, xp = language(backend)
    array, isnan, where = xp.asarray, xp.isnan, xp.where
    Chain = in_backend("zoo", backend).Chain
    DiagonalNormal = in_backend("zoo._distributions", backend).DiagonalNormal

    def program(x=None, *, N, T, D, K, emission="normal"):
        pi = pp.sample("pi", dist.Dirichlet(array(np.ones(K))))
        with pp.plate("K", K):
            A = pp.sample("A", dist.Dirichlet(array(np.ones(K))))
            Lambda = None
            if emission == "normal":
                mu = pp.sample("mu", dist.Normal(array(np.zeros(D)), 3.0).to_event(1))
                Lambda = pp.sample("Lambda", dist.Gamma(array(np.full(D, 3.0)), 2.0).to_event(1))
            elif emission == "bernoulli":
                mu = pp.sample("mu", dist.Beta(array(np.ones(D)), 1.0).to_event(1))
            else:
                mu = pp.sample("mu", dist.Gamma(array(np.full(D, 2.0)), 0.5).to_event(1))
        with pp.plate("N", N, dim=-2):
            z = pp.sample("z", Chain(pi, A, T))
            with pp.plate("T", T, dim=-1):
                if Lambda is not None:
                    pp.sample("x", DiagonalNormal(mu[z], 1 / Lambda[z]), obs=x)
                    return
                items = (dist.Bernoulli if emission == "bernoulli" else dist.Poisson)(mu[z])
                if x is not None:
                    items, x = items.mask(~isnan(x)), where(isnan(x), 0.0, x)
                pp.sample("x", items.to_event(1), obs=x)

    return zoo.Model(program, backend=backend, card=CARD, **settings)
