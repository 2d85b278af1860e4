"""Programs with guides of their own, in both languages, as users write them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal

NOISE = 0.5
X = np.random.default_rng(0).normal(size=(20, 2))
Y = X @ [1.0, -1.0] + NOISE * np.random.default_rng(1).normal(size=20)
MEASURED = np.random.default_rng(2).normal(size=24) * np.sqrt(1 + NOISE**2)
PIXELS = (np.random.default_rng(3).normal(size=(60, 1)) * np.linspace(-4, 4, 5) > 0).astype(float)


def posterior() -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the weights of the regression."""
    covariance = np.linalg.inv(X.T @ X / NOISE**2 + np.eye(2))
    return covariance @ X.T @ Y / NOISE**2, covariance


def evidence() -> float:
    """Log evidence of the regression, in nats."""
    return float(multivariate_normal(np.zeros(len(Y)), X @ X.T + NOISE**2 * np.eye(len(Y))).logpdf(Y))


def measurement_evidence() -> float:
    """Log evidence of the measurements, whose rows are independent, in nats."""
    return float(multivariate_normal(np.zeros(1), np.array([[1 + NOISE**2]])).logpdf(MEASURED[:, None]).sum())


def library(backend: str) -> Any:
    """The names that the programs take of one library."""
    if backend == "numpyro":
        import jax.numpy as jnp
        import numpyro
        from numpyro import distributions, handlers
        from numpyro.infer import autoguide

        return SimpleNamespace(
            lib=numpyro, dist=distributions, auto=autoguide, block=handlers.block, zeros=jnp.zeros, array=jnp.asarray
        )
    import pyro
    import torch
    from pyro import distributions, poutine
    from pyro.infer import autoguide

    return SimpleNamespace(
        lib=pyro,
        dist=distributions,
        auto=autoguide,
        block=poutine.block,
        zeros=torch.zeros,
        array=lambda values: torch.as_tensor(values, dtype=torch.get_default_dtype()),
    )


def regression(backend: str) -> tuple[Any, Any]:
    """A regression with known noise, and a guide that begins at its posterior."""
    at = library(backend)
    mean, covariance = posterior()

    def model(features, outcome=None):
        weights = at.lib.sample("weights", at.dist.Normal(at.zeros(2), 1.0).to_event(1))
        with at.lib.plate("people", len(features)):
            at.lib.sample("outcome", at.dist.Normal((features * weights).sum(-1), NOISE), obs=outcome)

    def guide(features, outcome=None):
        loc = at.lib.param("loc", at.array(mean))
        tril = at.lib.param(
            "tril", at.array(np.linalg.cholesky(covariance)), constraint=at.dist.constraints.lower_cholesky
        )
        at.lib.sample("weights", at.dist.MultivariateNormal(loc, scale_tril=tril))

    return model, guide


def measurements(backend: str) -> tuple[Any, Any]:
    """A latent value for each measurement, and a guide that reads the measurements: it begins at the posterior."""
    at = library(backend)

    def model(measured):
        with at.lib.plate("objects", len(measured)):
            size = at.lib.sample("size", at.dist.Normal(at.zeros(()), 1.0))
            at.lib.sample("measured", at.dist.Normal(size, NOISE), obs=measured)

    def guide(measured):
        slope = at.lib.param("slope", 1 / (1 + NOISE**2))  # a number, not an array
        scale = at.lib.param("scale", at.array(NOISE / np.sqrt(1 + NOISE**2)), constraint=at.dist.constraints.positive)
        with at.lib.plate("objects", len(measured)):
            at.lib.sample("size", at.dist.Normal(slope * measured, scale))

    return model, guide


def autoencoder(backend: str) -> tuple[Any, Any]:
    """Binary pixels by a code of one number, networks as each library has them."""
    if backend == "numpyro":
        import jax.numpy as jnp
        import numpyro
        import numpyro.distributions as dist
        from flax import linen
        from numpyro.contrib.module import flax_module

        def model(batch):
            decoder = flax_module("decoder", linen.Dense(batch.shape[1]), input_shape=(1, 1))
            with numpyro.plate("images", batch.shape[0]):
                code = numpyro.sample("code", dist.Normal(jnp.zeros(1), 1.0).to_event(1))
                numpyro.sample("pixels", dist.Bernoulli(logits=decoder(code)).to_event(1), obs=batch)

        def guide(batch):
            loc = flax_module("encoder", linen.Dense(1), input_shape=(1, batch.shape[1]))
            scale = numpyro.param("scale", 1.0, constraint=dist.constraints.positive)
            with numpyro.plate("images", batch.shape[0]):
                numpyro.sample("code", dist.Normal(loc(batch), scale).to_event(1))

        return model, guide
    import pyro
    import pyro.distributions as dist
    import torch

    class Autoencoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.encoder, self.decoder = torch.nn.Linear(5, 1), torch.nn.Linear(1, 5)

        def model(self, batch):
            pyro.module("decoder", self.decoder)
            with pyro.plate("images", batch.shape[0]):
                code = pyro.sample("code", dist.Normal(batch.new_zeros(1), 1.0).to_event(1))
                pyro.sample("pixels", dist.Bernoulli(logits=self.decoder(code)).to_event(1), obs=batch)

        def guide(self, batch):
            pyro.module("encoder", self.encoder)
            scale = pyro.param("scale", torch.tensor(1.0), constraint=dist.constraints.positive)
            with pyro.plate("images", batch.shape[0]):
                pyro.sample("code", dist.Normal(self.encoder(batch), scale).to_event(1))

    networks = Autoencoder()
    return networks.model, networks.guide
