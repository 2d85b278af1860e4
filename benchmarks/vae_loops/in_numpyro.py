from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import optax
from flax import nnx
from jax.scipy.stats import norm
from numpyro.contrib.module import nnx_module
from numpyro.distributions import Bernoulli, Normal


class Layers(nnx.Module):
    def __init__(self, *sizes, rngs):
        self.layers = nnx.List([nnx.Linear(i, o, rngs=rngs) for i, o in pairwise(sizes)])

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = jnp.tanh(layer(x))
        return self.layers[-1](x)


class VAE(nnx.Module):
    def __init__(self, D, Z, width, *, rngs):
        self.encoder = Layers(D, width, width, 2 * Z, rngs=rngs)
        self.decoder = Layers(Z, width, width, D, rngs=rngs)


def order(seed, epoch, rows, batch):
    shuffled = np.random.default_rng([seed, epoch]).permutation(rows)
    return jnp.asarray(shuffled[: rows // batch * batch].reshape(-1, batch).astype(np.int32))


def make_loop_trainer(pixels, loc, Z, width, batch, kl):
    images, adam = jnp.asarray(pixels), optax.adam(1e-3)

    def loss(params, structure, x, key):
        vae = nnx.merge(structure, params)
        mean, log_sd = jnp.split(vae.encoder(x), 2, axis=-1)
        noise = jax.random.normal(key, mean.shape)
        z = mean + jnp.exp(log_sd) * noise
        logits = loc + vae.decoder(z)
        reconstruction = (x * logits - jax.nn.softplus(logits)).sum()
        if kl == "analytic":
            divergence = (0.5 * (mean**2 + jnp.exp(2 * log_sd) - 1) - log_sd).sum()
        else:
            divergence = (norm.logpdf(noise) - log_sd - norm.logpdf(z)).sum()
        return (divergence - reconstruction) / batch

    @jax.jit(static_argnums=0, donate_argnums=(1, 2))
    def epoch(structure, params, state, rows, key):
        def step(carry, rows):
            params, state, key = carry
            key, for_pixels, for_code = jax.random.split(key, 3)
            x = jax.random.bernoulli(for_pixels, images[rows] / 255.0).astype(jnp.float32)
            value, slope = jax.value_and_grad(loss)(params, structure, x, for_code)
            change, state = adam.update(slope, state, params)
            return (optax.apply_updates(params, change), state, key), value

        (params, state, _), values = jax.lax.scan(step, (params, state, key), rows)
        return params, state, -values.mean()

    def train(epochs, end_epoch, seed=0):
        structure, params = nnx.split(VAE(pixels.shape[1], Z, width, rngs=nnx.Rngs(seed)))
        state = adam.init(params)
        for i in range(epochs):
            rows, key = order(seed, i, len(pixels), batch), jax.random.PRNGKey(i)
            params, state, bound = epoch(structure, params, state, rows, key)
            end_epoch(float(bound))

    return train


def make_example_trainer(pixels, loc, Z, width, batch):
    images, D = jnp.asarray(pixels), pixels.shape[1]

    def model(x):
        decoder = nnx_module("decoder", Layers(Z, width, width, D, rngs=nnx.Rngs(0)))
        with numpyro.plate("rows", batch):
            z = numpyro.sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
            numpyro.sample("x", Bernoulli(logits=loc + decoder(z)).to_event(1), obs=x)

    def guide(x):
        encoder = nnx_module("encoder", Layers(D, width, width, 2 * Z, rngs=nnx.Rngs(1)))
        mean, log_sd = jnp.split(encoder(x), 2, axis=-1)
        with numpyro.plate("rows", batch):
            numpyro.sample("z", Normal(mean, jnp.exp(log_sd)).to_event(1))

    svi = numpyro.infer.SVI(model, guide, numpyro.optim.Adam(1e-3), numpyro.infer.Trace_ELBO())

    def binarise(key, rows):
        return jax.random.bernoulli(key, images[rows] / 255.0).astype(jnp.float32)

    @jax.jit
    def epoch(state, order, key):
        def step(i, carry):
            state, total = carry
            state, loss = svi.update(state, binarise(jax.random.fold_in(key, i), order[i]))
            return state, total + loss

        state, total = jax.lax.fori_loop(0, len(order), step, (state, 0.0))
        return state, -total / order.size

    def train(epochs, end_epoch, seed=0):
        state = svi.init(jax.random.PRNGKey(seed), binarise(jax.random.PRNGKey(seed), jnp.arange(batch)))
        for i in range(epochs):
            state, bound = epoch(state, order(seed, i, len(pixels), batch), jax.random.PRNGKey(i))
            end_epoch(float(bound))

    return train
