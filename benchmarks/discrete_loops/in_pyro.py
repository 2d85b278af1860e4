from itertools import pairwise

import numpy as np
import torch
from pyro.distributions import Bernoulli
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class Network(nn.Module):
    def __init__(self, D, Z, widths):
        super().__init__()
        self.encoder = make_layers(D, *widths, Z)
        self.decoder = make_layers(Z, *widths, D)
        self.prior = nn.Parameter(torch.zeros(Z))


def make_layers(*sizes):
    layers = [part for i, o in pairwise(sizes) for part in (nn.Linear(i, o), nn.LeakyReLU(0.3))]
    return nn.Sequential(*layers[:-1])


def log_bernoulli(logits, value):
    logits, value = torch.broadcast_tensors(logits, value)
    return -binary_cross_entropy_with_logits(logits, value, reduction="none").sum(-1)


def two_draws(logits):
    p = logits.detach().sigmoid()
    return (torch.rand(2, *p.shape) < p).to(p.dtype)  # quicker than torch.bernoulli


def distribution(logits):
    return Bernoulli(logits=logits, validate_args=False).to_event(1)


def make_trainers(*arguments):
    return {
        "loop": make_trainer(*arguments, log_bernoulli, two_draws),
        "distributions": make_trainer(
            *arguments,
            lambda logits, value: distribution(logits).log_prob(value),
            lambda logits: distribution(logits).sample((2,)),
        ),
    }


def make_trainer(pixels, loc, Z, widths, batch, estimator, learning_rate, log_bernoulli, two_draws):
    images, loc = torch.from_numpy(pixels), torch.from_numpy(loc)
    mean = loc.sigmoid()

    def loss(network, x):
        logits = network.encoder(x - mean)
        if estimator == "disarm":
            p = logits.detach().sigmoid()
            u = torch.rand_like(p)
            z = torch.stack([u > 1 - p, u < p]).to(p.dtype)
        else:
            z = two_draws(logits)
        log_p = log_bernoulli(loc + network.decoder(2 * z - 1), x) + log_bernoulli(network.prior, z)
        log_q = log_bernoulli(logits, z)
        f = (log_p - log_q).detach()
        if estimator == "disarm":
            b, c = z
            slope = 0.5 * (1 - 2 * c) * (b - c).abs() * torch.maximum(p, 1 - p)
            score = (f[0] - f[1]) * (slope * logits).sum(-1)
        else:
            score = (2 * (f - f.mean(0)) * log_q).mean(0)
        return -(log_p.mean(0) + score).mean(), f.mean()

    def train(epochs, end_epoch, seed=0):
        torch.manual_seed(seed)
        network = Network(pixels.shape[1], Z, widths)
        adam = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
        for epoch in range(epochs):
            shuffled = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(images)))
            total, steps = 0.0, len(images) // batch
            for rows in shuffled[: steps * batch].split(batch):
                x = images[rows].float().div_(255)
                x = torch.rand_like(x).lt_(x)
                value, bound = loss(network, x)
                adam.zero_grad()
                value.backward()
                adam.step()
                total += bound.item()
            end_epoch(total / steps)

    return train
