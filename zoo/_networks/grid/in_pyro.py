from math import isqrt

from torch import nn

from zoo._networks import CHANNELS
from zoo._networks.grid import halvings
from zoo._networks.in_pyro import MLP, mlp


class GridEncoder(nn.Module):
    def __init__(self, D, M, width, Z):
        super().__init__()
        channels = (1, *CHANNELS[: halvings(D, M)])
        self.side, last = isqrt(D), channels[-1]
        strides = [2] * (len(channels) - 1) + [1]
        sizes = zip(channels, (*channels[1:], last), strides, strict=True)
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, stride, padding=1) for i, o, stride in sizes)
        self.dense = MLP(last, (width,), Z)

    def forward(self, x):
        rows = x.shape[:-1]
        x = x.reshape(-1, 1, self.side, self.side)
        for layer in self.convolutions:
            x = layer(x).relu()
        return self.dense(x.permute(0, 2, 3, 1)).reshape(*rows, -1)


class GridDecoder(nn.Module):
    def __init__(self, Z, M, width, D):
        super().__init__()
        channels = (*CHANNELS[: halvings(D, M)][::-1], 1)
        self.side, self.inputs, first = isqrt(M), Z, channels[0]
        self.dense = MLP(Z, (width,), first)
        sizes = zip((first, *channels[:-1]), channels, strict=True)
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in sizes)

    def forward(self, h):
        x = self.dense(h.reshape(-1, self.side, self.side, self.inputs))
        x = x.permute(0, 3, 1, 2).contiguous()  # torch has no gradient in 64 bits otherwise
        first, *others = self.convolutions
        x = first(x.relu())
        for layer in others:
            x = layer(nn.functional.interpolate(x.relu(), scale_factor=2))
        return x.reshape(*h.shape[:-1], -1)


def encoder(network, D, width, depth, M, Z):
    return (GridEncoder, D, M, width, Z) if network == "convolutional" else mlp(D, width, depth, M * Z)


def decoder(network, Z, M, width, depth, D):
    return (GridDecoder, Z, M, width, D) if network == "convolutional" else mlp(M * Z, width, depth, D)
