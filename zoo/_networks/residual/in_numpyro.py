import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from zoo._networks.in_numpyro import convolve
from zoo._networks.residual import LN_2, MIN_SCALE, block_shapes, bound


class Layers(nnx.Module):
    """The convolutions of one shape of ``count`` blocks; their weights are 0 before ``draw_weights``."""

    def __init__(self, count, shape, gain=1.0):
        self.limit = bound(shape, gain)
        self.kernel = nnx.Param(jnp.zeros((count, *shape)))
        self.bias = nnx.Param(jnp.zeros((count, shape[-1])))

    def split(self):
        kernels, biases = (jnp.unstack(p[...]) for p in (self.kernel, self.bias))
        return [convolution(k, b) for k, b in zip(kernels, biases, strict=True)]


class Blocks(nnx.Module):
    def __init__(self, count, side, inputs, bottleneck, outputs, gain):
        *first, last = block_shapes(side, inputs, bottleneck, outputs)
        self.layers = nnx.List([*(Layers(count, s) for s in first), Layers(count, last, gain)])

    def split(self):
        return list(zip(*(layer.split() for layer in self.layers), strict=True))


def draw_weights(module, rngs):
    """Replace the weights of every layer of a module by random ones."""
    layers = [part for _, part in nnx.iter_graph(module) if isinstance(part, Layers)]
    sizes = [layer.kernel[...].size for layer in layers]
    # in one draw: of many, each is compiled for a fifth of a second
    draws = jax.random.uniform(rngs.params(), (sum(sizes),), minval=-1.0, maxval=1.0)
    for layer, part in zip(layers, jnp.split(draws, np.cumsum(sizes)[:-1]), strict=True):
        layer.kernel = nnx.Param(layer.limit * part.reshape(layer.kernel[...].shape))


def convolution(kernel, bias):
    size = kernel.shape[0]
    if size == 1:
        return lambda x: x @ kernel[0, 0] + bias
    padding = ((size // 2, size // 2),) * 2

    def call(x):
        y = convolve(x.reshape(-1, *x.shape[-3:]), kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return y.reshape(*x.shape[:-1], -1) + bias

    return call


def through(layers, x):
    for layer in layers:
        x = layer(jax.nn.gelu(x))
    return x


def positive(raw, least=MIN_SCALE):
    return jax.nn.softplus(LN_2 * raw) / LN_2 + least


class TopDown(nnx.Module):
    def __init__(self, side, count, width, bottleneck, channels, total, *, rngs):
        self.side, self.channels = side, channels
        gain = total**-0.5
        self.bias = nnx.Param(jnp.zeros((side, side, width)))
        self.prior = Blocks(count, side, width, bottleneck, 2 * channels + width, 0.0)
        self.latent = Layers(count, (1, 1, channels, width), gain)
        self.residual = Blocks(count, side, width, bottleneck, width, gain)
        draw_weights(self, rngs)

    def __call__(self, h):
        start = self.bias[...] if h is None else upsample(h, self.side) + self.bias[...]
        parts = zip(self.prior.split(), self.latent.split(), self.residual.split(), strict=True)
        return start, [self.group(*part) for part in parts]

    def group(self, prior_layers, latent_layer, residual_layers):
        first, *others = prior_layers

        def prior(h):
            active = jax.nn.gelu(h)
            out = through(others, first(active))
            loc, raw, step = jnp.split(out, (self.channels, 2 * self.channels), axis=-1)
            return flat(loc), positive(flat(raw)), h + step, active

        def merge(h, z):
            h = h + latent_layer(z.reshape(*z.shape[:-1], self.side, self.side, self.channels))
            return h + through(residual_layers, h)

        return prior, merge


class BottomUp(nnx.Module):
    def __init__(self, side, count, depth, width, bottleneck, channels, total, *, rngs):
        self.side, self.count = side, count
        self.residual = Blocks(depth, side, width, bottleneck, width, total**-0.5)
        self.activations = Layers(1, (1, 1, width, count * bottleneck))
        self.posterior = Blocks(count, side, width, bottleneck, 2 * channels, total**-0.5)
        draw_weights(self, rngs)

    def __call__(self, h):
        h = downsample(h, self.side)
        for layers in self.residual.split():
            h = h + through(layers, h)
        (activations,) = self.activations.split()
        hidden = jnp.split(activations(jax.nn.gelu(h)), self.count, axis=-1)
        groups = zip(self.posterior.split(), hidden, strict=True)
        return h, [posterior_of(layers, part) for layers, part in groups]


def posterior_of(layers, hidden):
    first, *others = layers

    def posterior(active):
        loc, raw = jnp.split(through(others, first(active) + hidden), 2, axis=-1)
        return flat(loc), positive(flat(raw))

    return posterior


class Pointwise(nnx.Module):
    def __init__(self, inputs, outputs, *, rngs):
        self.layer = Layers(1, (1, 1, inputs, outputs))
        draw_weights(self, rngs)

    def __call__(self, h):
        (layer,) = self.layer.split()
        return layer(h)


def flat(x):
    return x.reshape(*x.shape[:-3], -1)


def upsample(x, side):
    times = side // x.shape[-2]
    return x if times == 1 else x.repeat(times, axis=-3).repeat(times, axis=-2)


def downsample(x, side):
    times = x.shape[-2] // side
    if times == 1:
        return x
    return x.reshape(*x.shape[:-3], side, times, side, times, x.shape[-1]).mean((-4, -2))


def space_to_depth(x, side, colours):
    times = round((x.shape[-1] // colours) ** 0.5) // side
    x = x.reshape(*x.shape[:-1], side, times, side, times, colours)
    return jnp.moveaxis(x, -4, -3).reshape(*x.shape[:-5], side, side, -1)


def depth_to_space(x, times):
    *rows, side, _, outputs = x.shape
    x = x.reshape(*rows, side, side, times, times, outputs // times**2)
    return jnp.moveaxis(x, -4, -3).reshape(*rows, (side * times) ** 2, -1)
