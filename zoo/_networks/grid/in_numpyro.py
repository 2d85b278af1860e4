from math import isqrt

import jax
from flax import nnx

from zoo._networks import CHANNELS
from zoo._networks.grid import halvings
from zoo._networks.in_numpyro import MLP, convolution, mlp, upsample


class GridEncoder(nnx.Module):
    def __init__(self, D, M, width, Z, *, rngs):
        channels = (1, *CHANNELS[: halvings(D, M)])
        self.side, last = isqrt(D), channels[-1]
        strides = [2] * (len(channels) - 1) + [1]
        sizes = zip(channels, (*channels[1:], last), strides, strict=True)
        self.convolutions = nnx.List([convolution(i, o, stride, rngs) for i, o, stride in sizes])
        self.dense = MLP(last, (width,), Z, rngs=rngs)

    def __call__(self, x):
        x = x.reshape(*x.shape[:-1], self.side, self.side, 1)
        for layer in self.convolutions:
            x = jax.nn.relu(layer(x))
        x = self.dense(x)
        return x.reshape(*x.shape[:-3], -1)


class GridDecoder(nnx.Module):
    def __init__(self, Z, M, width, D, *, rngs):
        channels = (*CHANNELS[: halvings(D, M)][::-1], 1)
        self.side, first = isqrt(M), channels[0]
        self.dense = MLP(Z, (width,), first, rngs=rngs)
        sizes = zip((first, *channels[:-1]), channels, strict=True)
        self.convolutions = nnx.List([convolution(i, o, 1, rngs) for i, o in sizes])

    def __call__(self, h):
        x = self.dense(h.reshape(*h.shape[:-1], self.side, self.side, -1))
        first, *others = self.convolutions
        x = first(jax.nn.relu(x))
        for layer in others:
            x = layer(upsample(jax.nn.relu(x)))
        return x.reshape(*x.shape[:-3], -1)


def encoder(network, D, width, depth, M, Z):
    return (GridEncoder, D, M, width, Z) if network == "convolutional" else mlp(D, width, depth, M * Z)


def decoder(network, Z, M, width, depth, D):
    return (GridDecoder, Z, M, width, D) if network == "convolutional" else mlp(M * Z, width, depth, D)
