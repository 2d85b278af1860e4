from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.nn import gelu

from zoo._networks.in_numpyro import convolve
from zoo._networks.residual import LN_2, MIN_SCALE, bound, kernel_side


class Blocks(nnx.Module):
    """The weights of ``count`` blocks of one shape."""

    def __init__(self, draw, count, side, inputs, bottleneck, outputs, gain):
        k = kernel_side(side)
        self.first = nnx.Param(draw((count, inputs, bottleneck), inputs))
        self.bias = nnx.Param(jnp.zeros((count, bottleneck)))
        self.inner = nnx.Param(draw((count, 2, k, k, bottleneck, bottleneck), k * k * bottleneck))
        self.last = nnx.Param(draw((count, bottleneck, outputs), bottleneck, gain))

    def split(self, dtype):
        """Functions ``block(h, other=None)``, where ``other`` is added to the output of the first convolution."""
        first, bias, inner, last = (p[...].astype(dtype) for p in (self.first, self.bias, self.inner, self.last))
        kernels = split(inner.reshape(-1, *inner.shape[2:]))
        parts = split(first), split(bias), kernels[::2], kernels[1::2], split(last)
        return [block(*weights) for weights in zip(*parts, strict=True)]


def block(first, bias, second, third, last):
    def call(active, other=None):
        h = active @ first + bias
        h = h if other is None else h + other
        for kernel in (second, third):
            h = convolution(gelu(h), kernel)
        return gelu(h) @ last

    return call


def convolution(x, kernel):
    size = kernel.shape[0]
    if size == 1:
        return x @ kernel[0, 0]
    padding, dimensions = ((size // 2, size // 2),) * 2, ("NHWC", "HWIO", "NHWC")
    y = convolve(x.reshape(-1, *x.shape[-3:]), kernel, (1, 1), padding, dimension_numbers=dimensions)
    return y.reshape(x.shape)


def activation_dtype(bfloat16):
    return jnp.bfloat16 if bfloat16 else jnp.zeros(()).dtype


def full(x):
    return x.astype(jnp.zeros(()).dtype)


def positive(raw, least=MIN_SCALE):
    return least + (1 - least) / LN_2 * jax.nn.softplus(LN_2 * raw)


class TopDown(nnx.Module):
    def __init__(self, side, count, width, bottleneck, channels, total, *, rngs):
        self.side, self.channels = side, channels
        self.bias = nnx.Param(jnp.zeros((side, side, width)))

        def parts(draw):
            prior = Blocks(draw, count, side, width, bottleneck, 2 * channels + width, 0.0)
            latent = nnx.Param(draw((count, channels, width), channels, total**-0.5))
            return prior, latent, Blocks(draw, count, side, width, bottleneck, width, total**-0.5)

        self.prior, self.latent, self.residual = in_one_draw(parts, rngs)

    def __call__(self, h, dtype):
        bias, latents = self.bias[...].astype(dtype), split(self.latent[...].astype(dtype))
        start = bias if h is None else upsample(h, self.side) + bias
        parts = zip(self.prior.split(dtype), latents, self.residual.split(dtype), strict=True)
        return start, [self.group(*part) for part in parts]

    def group(self, prior_block, latent, residual_block):
        def prior(h):
            active = gelu(h)
            loc, raw, step = jnp.split(prior_block(active), (self.channels, 2 * self.channels), axis=-1)
            return full(flat(loc)), positive(full(flat(raw))), h + step, active

        def merge(h, z):
            h = h + z.reshape(*z.shape[:-1], self.side, self.side, self.channels).astype(h.dtype) @ latent
            return h + residual_block(gelu(h))

        return prior, merge


class BottomUp(nnx.Module):
    def __init__(self, side, count, depth, width, bottleneck, channels, total, *, rngs):
        self.side, self.count = side, count

        def parts(draw):
            residual = Blocks(draw, depth, side, width, bottleneck, width, total**-0.5)
            activations = nnx.Param(draw((width, count * bottleneck), width))
            return residual, activations, Blocks(draw, count, side, width, bottleneck, 2 * channels, total**-0.5)

        self.residual, self.activations, self.posterior = in_one_draw(parts, rngs)

    def __call__(self, h):
        h = downsample(h, self.side)
        for residual_block in self.residual.split(h.dtype):
            h = h + residual_block(gelu(h))
        hidden = jnp.split(gelu(h) @ self.activations[...].astype(h.dtype), self.count, axis=-1)
        return h, [posterior_of(*group) for group in zip(self.posterior.split(h.dtype), hidden, strict=True)]


def posterior_of(posterior_block, hidden):
    def posterior(active):
        loc, raw = jnp.split(posterior_block(active, hidden), 2, axis=-1)
        return full(flat(loc)), positive(full(flat(raw)))

    return posterior


class Pointwise(nnx.Module):
    def __init__(self, inputs, outputs, *, rngs):
        self.layer = nnx.Linear(inputs, outputs, rngs=rngs)

    def __call__(self, h):
        return self.layer(h)


def in_one_draw(build, rngs):
    """``build(draw)``, where ``draw(shape, inputs, gain)`` returns the weights of one array: parts of one draw."""
    sizes = []

    def measure(shape, inputs, gain=1.0):
        sizes.append(prod(shape))
        return jnp.zeros(shape)

    build(measure)
    # of many draws each is compiled for a fifth of a second
    weights = jax.random.uniform(rngs.params(), (sum(sizes),), minval=-1.0, maxval=1.0)
    parts = iter(jnp.split(weights, np.cumsum(sizes)[:-1]))
    return build(lambda shape, inputs, gain=1.0: bound(inputs, gain) * next(parts).reshape(shape))


def split(weights):
    """The weights of each block; a split has a shorter gradient than as many slices."""
    return [part[0] for part in jnp.split(weights, len(weights))]


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
