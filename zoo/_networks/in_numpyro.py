from functools import lru_cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from numpyro import param

from zoo._networks import CHANNELS, LEAKY_SLOPE, POOLED_CHANNELS, POOLED_SIDE, side_of, square_side, unsupported_module

WEIGHTS = ("kernel", "scale")  # flax's names for what is a weight everywhere else
ACTIVATIONS = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": partial(jax.nn.leaky_relu, negative_slope=LEAKY_SLOPE),
}


def network(name, Module, *args):
    structure, paths = module_structure(Module, args)
    initial = {}

    def initialiser(path):
        def value(key):
            if not initial:  # one draw of the whole network
                initial.update(nnx.to_flat_state(nnx.state(Module(*args, rngs=nnx.Rngs(key)))))
            return initial[path][...].astype(jnp.zeros(()).dtype)

        return value

    weights = {path: param(f"{name}.{neutral}", initialiser(path)) for neutral, path in paths.items()}
    return nnx.merge(structure, nnx.from_flat_state({path: nnx.Param(w) for path, w in weights.items()}))


@lru_cache(maxsize=64)
def module_structure(Module, args):
    """The structure of the module, and ``{neutral name: path}`` of its weights; nothing is computed."""
    shapes = nnx.eval_shape(lambda: Module(*args, rngs=nnx.Rngs(0)))
    structure, weights, rest = nnx.split(shapes, nnx.Param, ...)
    if rest:
        raise unsupported_module(Module.__name__)
    paths = [path for path, _ in nnx.to_flat_state(weights)]
    return structure, {".".join(neutral_path(path)): path for path in paths}


def neutral_path(path):
    *owner, last = map(str, path)
    return *owner, "weight" if last in WEIGHTS else last


class MLP(nnx.Module):
    def __init__(self, inputs, widths, outputs, activation="tanh", *, rngs):
        self.activation = activation
        sizes = (inputs, *widths, outputs)
        self.layers = nnx.List([nnx.Linear(i, o, rngs=rngs) for i, o in pairwise(sizes)])

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x)


class ConvolutionalEncoder(nnx.Module):
    def __init__(self, D, width, outputs, *, rngs):
        self.side = side_of(D)
        half, quarter = CHANNELS
        self.convolutions = nnx.List([convolution(1, half, 2, rngs), convolution(half, quarter, 2, rngs)])
        self.dense = MLP(quarter * (self.side // 4) ** 2, (width,), outputs, rngs=rngs)

    def __call__(self, x):
        x = x.reshape(*x.shape[:-1], self.side, self.side, 1)
        for convolution in self.convolutions:
            x = jax.nn.relu(convolution(x))
        return self.dense(x.reshape(*x.shape[:-3], -1))


class PooledEncoder(nnx.Module):
    def __init__(self, D, width, outputs, *, rngs):
        self.side = square_side(D)
        self.convolution = convolution(1, POOLED_CHANNELS, 1, rngs, POOLED_SIDE)
        self.dense = MLP(2 * POOLED_CHANNELS, (width,), outputs, rngs=rngs)

    def __call__(self, x):
        x = jax.nn.relu(self.convolution(x.reshape(*x.shape[:-1], self.side, self.side, 1)))
        return self.dense(jnp.log1p(jnp.concatenate([x.sum((-3, -2)), x.max((-3, -2))], -1)))


class ConvolutionalDecoder(nnx.Module):
    def __init__(self, inputs, width, D, *, rngs):
        self.side = side_of(D)
        half, quarter = CHANNELS
        self.dense = MLP(inputs, (width,), quarter * (self.side // 4) ** 2, rngs=rngs)
        self.convolutions = nnx.List([convolution(quarter, half, 1, rngs), convolution(half, 1, 1, rngs)])

    def __call__(self, z):
        x = self.dense(z)
        x = x.reshape(*x.shape[:-1], self.side // 4, self.side // 4, -1)
        for convolution in self.convolutions:
            x = convolution(upsample(jax.nn.relu(x)))
        return x.reshape(*x.shape[:-3], -1)


def convolution(inputs, outputs, stride, rngs, side=3):
    padding = ((side // 2, side // 2),) * 2
    return nnx.Conv(inputs, outputs, (side, side), stride, padding=padding, conv_general_dilated=convolve, rngs=rngs)


def convolve(x, kernel, strides, padding, **rest):
    # on a CPU XLA's own is up to fifty times slower in a compiled loop, as of training, than outside of one
    def as_product(x, kernel):
        x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        (height, width), (down, right) = kernel.shape[:2], strides
        ends = x.shape[1] - height + 1, x.shape[2] - width + 1
        patches = [x[:, i : i + ends[0] : down, j : j + ends[1] : right] for i in range(height) for j in range(width)]
        return jnp.concatenate(patches, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])

    def as_convolution(x, kernel):
        return jax.lax.conv_general_dilated(x, kernel, strides, padding, **rest)

    return jax.lax.platform_dependent(x, kernel, cpu=as_product, default=as_convolution)


def upsample(x):
    return x.repeat(2, axis=-3).repeat(2, axis=-2)


def encoder(network, D, width, depth, outputs):
    return (ConvolutionalEncoder, D, width, outputs) if network == "convolutional" else mlp(D, width, depth, outputs)


def decoder(network, inputs, width, depth, D):
    return (ConvolutionalDecoder, inputs, width, D) if network == "convolutional" else mlp(inputs, width, depth, D)


def mlp(inputs, width, depth, outputs):
    return MLP, inputs, (width,) * depth, outputs
