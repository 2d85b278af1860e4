import math

import numpy as np
import pyro
import torch
from pyro.distributions import Bernoulli, Normal
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import Adam
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class VAE(nn.Module):
    def __init__(self, D, Z, width):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(D, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2 * Z)
        )
        self.decoder = nn.Sequential(
            nn.Linear(Z, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, D)
        )


def batches(images, batch, seed, epoch):
    """Binary pixels, binarise anew, of each batch of an epoch."""
    shuffled = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(images)))
    for rows in shuffled[: len(images) // batch * batch].split(batch):
        yield images[rows].float().div_(255).bernoulli()


def make_loop_trainer(pixels, loc, Z, width, batch, kl):
    images, loc = torch.from_numpy(pixels), torch.from_numpy(loc)

    def train(epochs, end_epoch, seed=0):
        torch.manual_seed(seed)
        vae = VAE(pixels.shape[1], Z, width)
        adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
        for epoch in range(epochs):
            total = 0.0
            for x in batches(images, batch, seed, epoch):
                mean, log_sd = vae.encoder(x).chunk(2, -1)
                noise = torch.randn_like(mean)
                z = mean + log_sd.exp() * noise
                loss = binary_cross_entropy_with_logits(loc + vae.decoder(z), x, reduction="sum")
                if kl == "analytic":
                    loss = loss + (0.5 * (mean**2 + (2 * log_sd).exp() - 1) - log_sd).sum()
                else:
                    loss = loss + (0.5 * (z**2 - noise**2) - log_sd).sum()
                loss = loss / batch
                adam.zero_grad()
                loss.backward()
                adam.step()
                total += loss.item()
            end_epoch(-total / (len(images) // batch))

    return train


def make_example_trainer(pixels, loc, Z, width, batch):
    images, loc = torch.from_numpy(pixels), torch.from_numpy(loc)

    def train(epochs, end_epoch, seed=0):
        pyro.clear_param_store()
        pyro.set_rng_seed(seed)
        vae = VAE(pixels.shape[1], Z, width)

        def model(x):
            pyro.module("decoder", vae.decoder)
            with pyro.plate("rows", len(x)):
                z = pyro.sample("z", Normal(x.new_zeros(len(x), Z), x.new_ones(len(x), Z)).to_event(1))
                pyro.sample("x", Bernoulli(logits=loc + vae.decoder(z)).to_event(1), obs=x)

        def guide(x):
            pyro.module("encoder", vae.encoder)
            with pyro.plate("rows", len(x)):
                mean, log_sd = vae.encoder(x).chunk(2, -1)
                pyro.sample("z", Normal(mean, log_sd.exp()).to_event(1))

        svi = SVI(model, guide, Adam({"lr": 1e-3}), Trace_ELBO())
        for epoch in range(epochs):
            losses = [svi.step(x) for x in batches(images, batch, seed, epoch)]
            end_epoch(-math.fsum(losses) / (len(losses) * batch))

    return train
