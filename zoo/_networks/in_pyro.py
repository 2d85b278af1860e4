from functools import lru_cache, partial
from itertools import pairwise

import torch
from pyro import param
from torch import nn

from zoo._networks import CHANNELS, LEAKY_SLOPE, POOLED_CHANNELS, POOLED_SIDE, side_of, square_side, unsupported_module


def network(name, Module, *args):
    module, layouts, slots = empty_module(Module, args)
    initial = {}

    def initialiser(path, layout):
        def value():
            if not initial:  # one draw of the whole network
                initial.update(Module(*args).named_parameters())
            return layout.to_neutral(initial[path].detach())

        return value

    # torch's layout is a view of the neutral one
    weights = {
        path: layout.to_torch(param(f"{name}.{path}", initialiser(path, layout))) for path, layout in layouts.items()
    }

    # torch.func.functional_call does the same, in the time of a tenth of a small network's step
    def call(*inputs):
        for owner, last, path, _ in slots:
            owner[last] = weights[path]
        try:
            return module(*inputs)
        finally:
            for owner, last, _, empty in slots:
                owner[last] = empty

    return call


@lru_cache(maxsize=64)
def empty_module(Module, args):
    """The module without memory for its weights, their layouts ``{path: layout}``, and the slots that hold them.

    A slot is a dict, a key of it, the path of the weight, and the placeholder that is there between calls.
    """
    with torch.device("meta"):
        module = Module(*args)
    if next(module.buffers(), None) is not None or any(isinstance(m, nn.Dropout) for m in module.modules()):
        raise unsupported_module(Module.__name__)
    layouts, paths = {}, {}
    for path, weight in module.named_parameters():
        paths[weight] = path
        owner, _, last = path.rpartition(".")
        layouts[path] = LAYOUTS.get(type(module.get_submodule(owner)), Vector) if last == "weight" else Vector
    # a weight may be in several places
    slots = [
        (m._parameters, n, paths[w], w) for m in module.modules() for n, w in m._parameters.items() if w is not None
    ]
    return module, layouts, slots


class Vector:
    to_neutral = to_torch = staticmethod(lambda weight: weight)


class Matrix:
    to_neutral = staticmethod(lambda weight: weight.mT.contiguous())  # (in, out)
    to_torch = staticmethod(lambda weight: weight.mT)


class Kernel:
    to_neutral = staticmethod(lambda weight: weight.permute(2, 3, 1, 0).contiguous())  # (height, width, in, out)
    to_torch = staticmethod(lambda weight: weight.permute(3, 2, 0, 1))


LAYOUTS = {nn.Linear: Matrix, nn.Conv2d: Kernel}

ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": partial(nn.functional.leaky_relu, negative_slope=LEAKY_SLOPE),
}


class MLP(nn.Module):
    def __init__(self, inputs, widths, outputs, activation="tanh"):
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        sizes = (inputs, *widths, outputs)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))

    def forward(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


class ConvolutionalEncoder(nn.Module):
    def __init__(self, D, width, outputs):
        super().__init__()
        self.side = side_of(D)
        half, quarter = CHANNELS
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((1, half), (half, quarter))
        )
        self.dense = MLP(quarter * (self.side // 4) ** 2, (width,), outputs)

    def forward(self, x):
        rows = x.shape[:-1]
        x = x.reshape(-1, 1, self.side, self.side)
        for convolution in self.convolutions:
            x = convolution(x).relu()
        return self.dense(x.permute(0, 2, 3, 1).reshape(*rows, -1))


class PooledEncoder(nn.Module):
    def __init__(self, D, width, outputs):
        super().__init__()
        self.side = square_side(D)
        self.convolution = nn.Conv2d(1, POOLED_CHANNELS, POOLED_SIDE, padding=POOLED_SIDE // 2)
        self.dense = MLP(2 * POOLED_CHANNELS, (width,), outputs)

    def forward(self, x):
        rows = x.shape[:-1]
        x = self.convolution(x.reshape(-1, 1, self.side, self.side)).relu()
        features = torch.cat([x.sum((-2, -1)), x.amax((-2, -1))], -1).log1p()
        return self.dense(features.reshape(*rows, -1))


class ConvolutionalDecoder(nn.Module):
    def __init__(self, inputs, width, D):
        super().__init__()
        self.side = side_of(D)
        half, self.channels = CHANNELS
        self.dense = MLP(inputs, (width,), self.channels * (self.side // 4) ** 2)
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in ((self.channels, half), (half, 1)))

    def forward(self, z):
        x = self.dense(z).reshape(-1, self.side // 4, self.side // 4, self.channels).permute(0, 3, 1, 2)
        for convolution in self.convolutions:
            x = convolution(nn.functional.interpolate(x.relu(), scale_factor=2))
        return x.reshape(*z.shape[:-1], -1)


def encoder(network, D, width, depth, outputs):
    return (ConvolutionalEncoder, D, width, outputs) if network == "convolutional" else mlp(D, width, depth, outputs)


def decoder(network, inputs, width, depth, D):
    return (ConvolutionalDecoder, inputs, width, D) if network == "convolutional" else mlp(inputs, width, depth, D)


def mlp(inputs, width, depth, outputs):
    return MLP, inputs, (width,) * depth, outputs
