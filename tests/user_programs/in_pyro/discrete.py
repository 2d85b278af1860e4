"""Discrete latents: change points, animals that may be there, and records of captures."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import config_enumerate


def coal_mining(disasters):
    """Yearly counts of disasters whose rate changes once, in an unknown year."""
    num_years = disasters.shape[0]
    early = pyro.sample("early", dist.Exponential(1.0))
    late = pyro.sample("late", dist.Exponential(1.0))
    tau = pyro.sample("tau", dist.Categorical(torch.ones(num_years) / num_years), infer={"enumerate": "parallel"})
    year = torch.arange(num_years)
    rate = torch.where(tau > year, early, late)
    with pyro.plate("years", num_years):
        pyro.sample("disasters", dist.Poisson(rate), obs=disasters)


@config_enumerate
def occupancy(elevation, visits, detections=None):
    """Sites where a species lives or does not, by elevation, and where it was detected in some of the visits."""
    alpha = pyro.sample("alpha", dist.Normal(0.0, 1.5))
    beta = pyro.sample("beta", dist.Normal(0.0, 1.5))
    p_detect = pyro.sample("p_detect", dist.Beta(1.0, 1.0))
    with pyro.plate("site", elevation.shape[0]):
        z = pyro.sample("z", dist.Bernoulli(logits=alpha + beta * elevation))
        pyro.sample("detections", dist.Binomial(visits, z * p_detect), obs=detections)


@config_enumerate
def capture_recapture(captures, num_occasions):
    """Abundance by data augmentation: captures counts each animal's captures, and zeros are added to the data."""
    omega = pyro.sample("omega", dist.Uniform(0.0, 1.0))
    p = pyro.sample("p", dist.Uniform(0.0, 1.0))
    with pyro.plate("M", captures.shape[0]):
        real = pyro.sample("real", dist.Bernoulli(omega))
        pyro.sample("captures", dist.Binomial(num_occasions, p * real), obs=captures)


@config_enumerate
def capture_histories(history, first):
    """Cormack, Jolly and Seber: survival and recapture of animals after first capture; history is (animals, occasions).

    Each animal is alive or not at every occasion, and the states of all are a chain over occasions.
    """
    num_animals, num_occasions = history.shape
    phi = pyro.sample("phi", dist.Uniform(0.0, 1.0))
    rho = pyro.sample("rho", dist.Uniform(0.0, 1.0))
    with pyro.plate("animals", num_animals, dim=-1):
        z = torch.ones(num_animals)
        for t in pyro.markov(range(num_occasions)):
            survival = torch.where(first < t, phi * z, torch.ones(()))
            z = pyro.sample(f"z_{t}", dist.Bernoulli(survival))
            with pyro.poutine.mask(mask=first < t):
                pyro.sample(f"y_{t}", dist.Bernoulli(rho * z), obs=history[:, t])
