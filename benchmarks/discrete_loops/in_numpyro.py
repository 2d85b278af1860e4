from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.lax import stop_gradient


class Layers(nnx.Module):
    def __init__(self, *sizes, rngs):
        self.layers = nnx.List([nnx.Linear(i, o, rngs=rngs) for i, o in pairwise(sizes)])

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = jax.nn.leaky_relu(layer(x), 0.3)
        return self.layers[-1](x)


class Network(nnx.Module):
    def __init__(self, D, Z, widths, *, rngs):
        self.encoder = Layers(D, *widths, Z, rngs=rngs)
        self.decoder = Layers(Z, *widths, D, rngs=rngs)
        self.prior = nnx.Param(jnp.zeros(Z))


def log_bernoulli(logits, value):
    return (value * logits - jax.nn.softplus(logits)).sum(-1)


def make_trainers(*arguments):
    return {"loop": make_trainer(*arguments)}


def make_trainer(pixels, loc, Z, widths, batch, estimator, learning_rate):
    images, adam = jnp.asarray(pixels), optax.adam(learning_rate)
    mean = jax.nn.sigmoid(loc)

    def loss(params, structure, x, key):
        network = nnx.merge(structure, params)
        logits = network.encoder(x - mean)
        u, p = jax.random.uniform(key, (2, *logits.shape)), jax.nn.sigmoid(stop_gradient(logits))
        if estimator == "disarm":
            u = u[0]
            z = jnp.stack([u > 1 - p, u < p]).astype(p.dtype)
        else:
            z = (u < p).astype(p.dtype)
        log_p = log_bernoulli(loc + network.decoder(2 * z - 1), x) + log_bernoulli(network.prior[...], z)
        log_q = log_bernoulli(logits, z)
        f = stop_gradient(log_p - log_q)
        if estimator == "disarm":
            b, c = z
            slope = 0.5 * (1 - 2 * c) * abs(b - c) * jnp.maximum(p, 1 - p)
            score = (f[0] - f[1]) * (slope * logits).sum(-1)
        else:
            score = (2 * (f - f.mean(0)) * log_q).mean(0)
        return -(log_p.mean(0) + score).mean(), f.mean()

    @jax.jit(static_argnums=0, donate_argnums=(1, 2))
    def epoch(structure, params, state, rows, key):
        def step(carry, rows):
            params, state, key = carry
            key, for_pixels, for_code = jax.random.split(key, 3)
            x = jax.random.bernoulli(for_pixels, images[rows] / 255.0).astype(jnp.float32)
            (_, bound), slope = jax.value_and_grad(loss, has_aux=True)(params, structure, x, for_code)
            change, state = adam.update(slope, state, params)
            return (optax.apply_updates(params, change), state, key), bound

        (params, state, _), bounds = jax.lax.scan(step, (params, state, key), rows)
        return params, state, bounds.mean()

    def train(epochs, end_epoch, seed=0):
        structure, params = nnx.split(Network(pixels.shape[1], Z, widths, rngs=nnx.Rngs(seed)))
        state = adam.init(params)
        for i in range(epochs):
            order = np.random.default_rng([seed, i]).permutation(len(pixels))[: len(pixels) // batch * batch]
            rows = jnp.asarray(order.reshape(-1, batch).astype(np.int32))
            params, state, bound = epoch(structure, params, state, rows, jax.random.PRNGKey(1000 * seed + i))
            end_epoch(float(bound))

    return train
