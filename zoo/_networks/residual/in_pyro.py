import torch
from torch import nn
from torch.nn.functional import conv2d, gelu, softplus

from zoo._networks.residual import LN_2, MIN_SCALE, block_shapes, bound


class Layers(nn.Module):
    """The convolutions of one shape of ``count`` blocks."""

    def __init__(self, count, shape, gain=1.0):
        super().__init__()
        limit = bound(shape, gain)
        self.weight = nn.Parameter(torch.empty(count, *shape).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.zeros(count, shape[-1]))

    def split(self):
        return [convolution(k, b) for k, b in zip(self.weight.unbind(), self.bias.unbind(), strict=True)]


class Blocks(nn.Module):
    def __init__(self, count, side, inputs, bottleneck, outputs, gain):
        super().__init__()
        *first, last = block_shapes(side, inputs, bottleneck, outputs)
        self.layers = nn.ModuleList([*(Layers(count, s) for s in first), Layers(count, last, gain)])

    def split(self):
        return list(zip(*(layer.split() for layer in self.layers), strict=True))


def convolution(kernel, bias):
    size = kernel.shape[0]
    if size == 1:
        matrix = kernel.flatten(0, 2)
        return lambda x: torch.addmm(bias, x.flatten(0, -2), matrix).unflatten(0, x.shape[:-1])
    kernel = kernel.permute(3, 2, 0, 1)

    def call(x):  # without a copy: torch has convolutions with the channels last
        y = conv2d(x.reshape(-1, *x.shape[-3:]).permute(0, 3, 1, 2), kernel, bias, padding=size // 2)
        return y.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)

    return call


def activation(x):
    return gelu(x, approximate="tanh")


def through(layers, x):
    for layer in layers:
        x = layer(activation(x))
    return x


def positive(raw, least=MIN_SCALE):
    return softplus(raw, beta=LN_2, threshold=40) + least


class TopDown(nn.Module):
    def __init__(self, side, count, width, bottleneck, channels, total):
        super().__init__()
        self.side, self.channels = side, channels
        gain = total**-0.5
        self.bias = nn.Parameter(torch.zeros(side, side, width))
        self.prior = Blocks(count, side, width, bottleneck, 2 * channels + width, 0.0)
        self.latent = Layers(count, (1, 1, channels, width), gain)
        self.residual = Blocks(count, side, width, bottleneck, width, gain)

    def forward(self, h):
        start = self.bias if h is None else upsample(h, self.side) + self.bias
        parts = zip(self.prior.split(), self.latent.split(), self.residual.split(), strict=True)
        return start, [self.group(*part) for part in parts]

    def group(self, prior_layers, latent_layer, residual_layers):
        first, *others = prior_layers

        def prior(h):
            active = activation(h)
            out = through(others, first(active))
            loc, raw, step = out.split((self.channels, self.channels, out.shape[-1] - 2 * self.channels), -1)
            return flat(loc), positive(flat(raw)), h + step, active

        def merge(h, z):
            h = h + latent_layer(z.unflatten(-1, (self.side, self.side, self.channels)))
            return h + through(residual_layers, h)

        return prior, merge


class BottomUp(nn.Module):
    def __init__(self, side, count, depth, width, bottleneck, channels, total):
        super().__init__()
        self.side, self.bottleneck = side, bottleneck
        self.residual = Blocks(depth, side, width, bottleneck, width, total**-0.5)
        self.activations = Layers(1, (1, 1, width, count * bottleneck))
        self.posterior = Blocks(count, side, width, bottleneck, 2 * channels, total**-0.5)

    def forward(self, h):
        h = downsample(h, self.side)
        for layers in self.residual.split():
            h = h + through(layers, h)
        (activations,) = self.activations.split()
        hidden = activations(activation(h)).split(self.bottleneck, -1)
        groups = zip(self.posterior.split(), hidden, strict=True)
        return h, [posterior_of(layers, part) for layers, part in groups]


def posterior_of(layers, hidden):
    first, *others = layers

    def posterior(active):
        loc, raw = through(others, first(active) + hidden).chunk(2, -1)
        return flat(loc), positive(flat(raw))

    return posterior


class Pointwise(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = Layers(1, (1, 1, inputs, outputs))

    def forward(self, h):
        (layer,) = self.layer.split()
        return layer(h)


def flat(x):
    return x.flatten(-3)


def upsample(x, side):
    *rows, small, _, width = x.shape
    times = side // small
    return (
        x[..., :, None, :, None, :].expand(*rows, small, times, small, times, width).reshape(*rows, side, side, width)
    )


def downsample(x, side):
    times = x.shape[-2] // side
    if times == 1:
        return x
    return x.unflatten(-2, (side, times)).unflatten(-4, (side, times)).mean((-4, -2))


def space_to_depth(x, side, colours):
    times = round((x.shape[-1] // colours) ** 0.5) // side
    return x.unflatten(-1, (side, times, side, times, colours)).transpose(-4, -3).flatten(-3)


def depth_to_space(x, times):
    side = x.shape[-2]
    x = x.unflatten(-1, (times, times, -1)).transpose(-4, -3)
    return x.reshape(*x.shape[:-5], (side * times) ** 2, -1)
