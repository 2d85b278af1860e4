"""Subsampling, weights of rows, missing outcomes, and parameters without a prior."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
from pyro.poutine import scale


def subsampled_regression(x, y, batch_size=10):
    """The program draws minibatches by itself."""
    slope = pyro.sample("slope", dist.Normal(0.0, 2.0))
    with pyro.plate("data", x.shape[0], subsample_size=batch_size) as index:
        pyro.sample("y", dist.Normal(slope * x[index], 1.0), obs=y[index])


def weighted_mean(y, weight):
    """Every observation counts as often as its weight says."""
    mu = pyro.sample("mu", dist.Normal(0.0, 10.0))
    with pyro.plate("people", y.shape[0]), scale(scale=weight):
        pyro.sample("y", dist.Normal(mu, 1.0), obs=y)


def masked_regression(x, y, is_present):
    """Outcomes that are missing have a mask, and a value that does not matter."""
    slope = pyro.sample("slope", dist.Normal(0.0, 2.0))
    with pyro.plate("data", x.shape[0]):
        pyro.sample("y", dist.Normal(slope * x, 1.0).mask(is_present), obs=y)


def empirical_bayes(y):
    """The mean and spread of the group effects are learned; the effects have a prior."""
    mu = pyro.param("mu", torch.tensor(0.0))
    tau = pyro.param("tau", torch.tensor(1.0), constraint=dist.constraints.positive)
    with pyro.plate("groups", y.shape[0], dim=-2):
        effect = pyro.sample("effect", dist.Normal(mu, tau))
        with pyro.plate("repeats", y.shape[1], dim=-1):
            pyro.sample("y", dist.Normal(effect, 1.0), obs=y)
