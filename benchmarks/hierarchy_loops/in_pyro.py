import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, gelu, interpolate, softplus

LEAST = 1e-2  # scale of a latent


class Convolution(nn.Conv2d):
    def __init__(self, inputs, outputs, size, gain=1.0, bias=False):
        super().__init__(inputs, outputs, size, padding=size // 2, bias=bias)
        limit = gain * (3 / (size * size * inputs)) ** 0.5
        nn.init.uniform_(self.weight, -limit, limit)
        if bias:
            nn.init.zeros_(self.bias)


def activation(x):
    return gelu(x, approximate="tanh")


class Block(nn.Module):
    def __init__(self, side, inputs, bottleneck, outputs, gain):
        super().__init__()
        size = 3 if side > 2 else 1
        self.first = Convolution(inputs, bottleneck, 1, bias=True)
        self.others = nn.ModuleList(
            [
                Convolution(bottleneck, bottleneck, size),
                Convolution(bottleneck, bottleneck, size),
                Convolution(bottleneck, outputs, 1, gain),
            ]
        )

    def after(self, x):
        for layer in self.others:
            x = layer(activation(x))
        return x

    def forward(self, x):
        return self.after(self.first(activation(x)))


class Group(nn.Module):
    def __init__(self, side, width, bottleneck, channels, gain):
        super().__init__()
        self.prior = Block(side, width, bottleneck, 2 * channels + width, 0.0)
        self.posterior = Block(side, width, bottleneck, 2 * channels, gain)
        self.latent = Convolution(channels, width, 1, gain)
        self.residual = Block(side, width, bottleneck, width, gain)
        self.channels = channels

    def forward(self, h, hidden):
        active = activation(h)
        loc, raw, step = self.prior.after(self.prior.first(active)).split((self.channels, self.channels, h.shape[1]), 1)
        scale, h = positive(raw), h + step
        shift, raw = self.posterior.after(self.posterior.first(active) + hidden).chunk(2, 1)
        q_loc, q_scale = loc + shift, scale * positive(raw)
        z = q_loc + q_scale * torch.randn_like(q_loc)
        kl = (normal_log(z, q_loc, q_scale) - normal_log(z, loc, scale)).sum((1, 2, 3))
        h = h + self.latent(z)
        return h + self.residual(h), kl


class Network(nn.Module):
    def __init__(self, stages, factor, width, bottleneck, channels, depth):
        super().__init__()
        gain, self.stages = sum(count for _, count in stages) ** -0.5, stages
        self.start = Convolution(factor**2, width, 1, bias=True)
        self.readout = Convolution(width, factor**2, 1, bias=True)
        self.biases = nn.ParameterList(torch.zeros(width, side, side) for side, _ in stages)
        self.encoder = nn.ModuleList(
            nn.ModuleList(Block(side, width, bottleneck, width, gain) for _ in range(depth)) for side, _ in stages
        )
        self.features = nn.ModuleList(Convolution(width, count * bottleneck, 1) for _, count in stages)
        self.groups = nn.ModuleList(
            nn.ModuleList(Group(side, width, bottleneck, channels, gain) for _ in range(count))
            for side, count in stages
        )

    def forward(self, x):
        h, hidden = self.start(x), []
        for (side, count), blocks, features in zip(
            self.stages[::-1], self.encoder[::-1], self.features[::-1], strict=True
        ):
            if h.shape[-1] > side:
                h = nn.functional.avg_pool2d(h, h.shape[-1] // side)
            for block in blocks:
                h = h + block(h)
            hidden.insert(0, features(activation(h)).chunk(count, 1))
        h, kl = None, 0.0
        for (side, _), bias, groups, parts in zip(self.stages, self.biases, self.groups, hidden, strict=True):
            h = bias.expand(len(x), *bias.shape) if h is None else interpolate(h, size=side) + bias
            for group, part in zip(groups, parts, strict=True):
                h, term = group(h, part)
                kl = kl + term
        return self.readout(h), kl


def positive(raw):
    return LEAST + (1 - LEAST) * softplus(raw, beta=float(np.log(2)), threshold=40)


def normal_log(z, loc, scale):
    return -0.5 * ((z - loc) / scale) ** 2 - scale.log() - 0.5 * np.log(2 * np.pi)


def make_trainer(pixels, loc, stages, width, bottleneck, channels, depth, batch, learning_rate):
    images, loc = torch.from_numpy(pixels), torch.from_numpy(loc)
    mean, level, side, last = loc.sigmoid(), float(pixels.max()), round(pixels.shape[1] ** 0.5), stages[-1][0]
    factor = side // last

    def loss(network, x):
        out, kl = network(nn.functional.pixel_unshuffle((x - mean).view(-1, 1, side, side), factor))
        logits = loc + nn.functional.pixel_shuffle(out, factor).flatten(1)
        return (binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1) + kl).mean()

    def train(epochs, end_epoch, seed=0):
        torch.manual_seed(seed)
        network = Network(stages, factor, width, bottleneck, channels, depth)
        adam = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
        for epoch in range(epochs):
            shuffled = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(images)))
            total, steps = 0.0, len(images) // batch
            for rows in shuffled[: steps * batch].split(batch):
                x = images[rows].float().div_(level)
                x = torch.rand_like(x).lt_(x).float()
                value = loss(network, x)
                adam.zero_grad()
                value.backward()
                adam.step()
                total -= value.item()
            end_epoch(total / steps)

    return train
