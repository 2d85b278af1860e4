"""Networks: weights with priors in a module of nnx, and an autoencoder of flax with its own guide."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from flax import linen, nnx
from numpyro.contrib.module import flax_module, random_nnx_module


class Perceptron(nnx.Module):
    """One hidden layer of four units."""

    def __init__(self, num_inputs, rngs):
        self.hidden = nnx.Linear(num_inputs, 4, rngs=rngs)
        self.out = nnx.Linear(4, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(jnp.tanh(self.hidden(x)))


def bayesian_network(X, y=None):
    """Regression by a network whose weights have standard normal priors."""
    module = Perceptron(X.shape[1], rngs=nnx.Rngs(0))
    network = random_nnx_module("net", module, prior=dist.Normal(0, 1))
    precision = numpyro.sample("precision", dist.Gamma(3.0, 1.0))
    with numpyro.plate("data", X.shape[0]):
        numpyro.sample("y", dist.Normal(network(X)[:, 0], 1 / jnp.sqrt(precision)), obs=y)


class Decoder(linen.Module):
    """Logits of the pixels, from a code."""

    num_pixels: int

    @linen.compact
    def __call__(self, z):
        hidden = jnp.tanh(linen.Dense(5)(z))
        return linen.Dense(self.num_pixels)(hidden)


class Encoder(linen.Module):
    """Mean and standard deviation of a code, from the pixels."""

    @linen.compact
    def __call__(self, x):
        hidden = jnp.tanh(linen.Dense(5)(x))
        return linen.Dense(2)(hidden), jnp.exp(linen.Dense(2)(hidden))


def autoencoder(batch):
    """Binary pixels by a code of two dimensions."""
    decoder = flax_module("decoder", Decoder(batch.shape[1]), input_shape=(1, 2))
    with numpyro.plate("batch", batch.shape[0]):
        z = numpyro.sample("z", dist.Normal(jnp.zeros(2), 1.0).to_event(1))
        numpyro.sample("pixels", dist.Bernoulli(logits=decoder(z)).to_event(1), obs=batch)


def autoencoder_guide(batch):
    """Codes by the encoder."""
    encoder = flax_module("encoder", Encoder(), input_shape=(1, batch.shape[1]))
    loc, scale = encoder(batch)
    with numpyro.plate("batch", batch.shape[0]):
        numpyro.sample("z", dist.Normal(loc, scale).to_event(1))
