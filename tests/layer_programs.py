"""A program of three layers of normal latents above binary pixels, with guides of three kinds."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from inference import shared

WIDTHS = {"z3": 2, "z2": 3, "z1": 4}
D = 16
rng = np.random.default_rng(0)
X = (rng.random((60, D)) < np.where(np.arange(60)[:, None] % 2, 0.8, 0.2)).astype(float)


def library(backend: str) -> Any:
    """What the program needs of a backend."""
    if backend == "numpyro":
        import jax.numpy as jnp
        import numpyro

        language, functions = numpyro, {"array": jnp.asarray, "tanh": jnp.tanh}
    else:
        import pyro
        import torch

        def array(value):
            return torch.as_tensor(value, dtype=torch.get_default_dtype())

        language, functions = pyro, {"array": array, "tanh": torch.tanh}
    names = ("param", "plate", "sample", "distributions")
    return SimpleNamespace(**{n: getattr(language, n) for n in names}, **functions)


@cache
def layers(backend: str, kind: str = "top down") -> tuple[Any, Any]:
    """Program and guide, functions of x, in one of the languages."""
    lib = library(backend)
    param, plate, sample, Normal = lib.param, lib.plate, lib.sample, lib.distributions.Normal
    positive, array, tanh = lib.distributions.constraints.positive, lib.array, lib.tanh

    def weight(name, rows, columns):
        return param(name, array(np.random.default_rng([rows, columns]).normal(size=(rows, columns)) / 2))

    def scale(name, Z):
        return param(name, array(np.full(Z, 0.5)), constraint=positive)

    def program(x):
        V2, V1, W = weight("V2", 2, 3), weight("V1", 3, 4), weight("W", 4, D)
        with plate("images", len(x)):
            z3 = sample("z3", Normal(array(np.zeros(2)), 1.0).to_event(1))
            z2 = sample("z2", Normal(tanh(z3 @ V2), 0.7).to_event(1), infer={"features": z3 @ V2})
            z1 = sample("z1", Normal(tanh(z2 @ V1), 0.7).to_event(1))
            sample("x", lib.distributions.Bernoulli(logits=z1 @ W).to_event(1), obs=x)

    def top_down(x):
        weights = {n: weight(f"q.{n}", D, Z) for n, Z in WIDTHS.items()}
        scales = {n: scale(f"q.{n}.scale", Z) for n, Z in WIDTHS.items()}
        U2, U1 = weight("U2", 2, 3), weight("U1", 3, 4)
        with plate("images", len(x)):
            z3 = sample("z3", Normal(x @ weights["z3"] / 4, scales["z3"]).to_event(1))
            z2 = sample("z2", Normal(x @ weights["z2"] / 4 + z3 @ U2, scales["z2"]).to_event(1))
            sample("z1", Normal(x @ weights["z1"] / 4 + z2 @ U1, scales["z1"]).to_event(1))

    def bottom_up(x):
        A1, A2, A3 = weight("A1", D, 4), weight("A2", 4, 3), weight("A3", 3, 2)
        scales = {n: scale(f"q.{n}.scale", Z) for n, Z in WIDTHS.items()}
        with plate("images", len(x)):
            z1 = sample("z1", Normal(x @ A1 / 4, scales["z1"]).to_event(1))
            z2 = sample("z2", Normal(z1 @ A2, scales["z2"]).to_event(1))
            sample("z3", Normal(z2 @ A3, scales["z3"]).to_event(1))

    def posterior(name, prior, features, x):
        mean, sd = weight(f"q.{name}", D, WIDTHS[name]), scale(f"q.{name}.scale", WIDTHS[name])
        return Normal(x @ mean / 4 + (0.0 if features is None else features), sd).to_event(1)

    return program, {"top down": top_down, "bottom up": bottom_up, "shared": shared(posterior)}[kind]
