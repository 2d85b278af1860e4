"""Discrete latents: change points, animals that may be there, and records of captures."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.contrib.control_flow import scan
from numpyro.contrib.funsor import config_enumerate


def coal_mining(disasters):
    """Yearly counts of disasters whose rate changes once, in an unknown year."""
    num_years = disasters.shape[0]
    early = numpyro.sample("early", dist.Exponential(1.0))
    late = numpyro.sample("late", dist.Exponential(1.0))
    tau = numpyro.sample("tau", dist.Categorical(probs=jnp.ones(num_years) / num_years))
    year = jnp.arange(num_years)
    rate = jnp.where(tau > year, early, late)
    with numpyro.plate("years", num_years):
        numpyro.sample("disasters", dist.Poisson(rate), obs=disasters)


@config_enumerate
def occupancy(elevation, visits, detections=None):
    """Sites where a species lives or does not, by elevation, and where it was detected in some of the visits."""
    alpha = numpyro.sample("alpha", dist.Normal(0, 1.5))
    beta = numpyro.sample("beta", dist.Normal(0, 1.5))
    p_detect = numpyro.sample("p_detect", dist.Beta(1, 1))
    with numpyro.plate("site", elevation.shape[0]):
        z = numpyro.sample("z", dist.Bernoulli(logits=alpha + beta * elevation))
        numpyro.sample("detections", dist.Binomial(visits, z * p_detect), obs=detections)


def capture_recapture(captures, num_occasions):
    """Abundance by data augmentation: captures counts each animal's captures, and zeros are added to the data."""
    omega = numpyro.sample("omega", dist.Uniform(0, 1))
    p = numpyro.sample("p", dist.Uniform(0, 1))
    with numpyro.plate("M", captures.shape[0]):
        real = numpyro.sample("real", dist.Bernoulli(omega), infer={"enumerate": "parallel"})
        numpyro.sample("captures", dist.Binomial(num_occasions, p * real), obs=captures)


def capture_histories(history, first):
    """Cormack, Jolly and Seber: survival and recapture of animals after first capture; history is (animals, occasions).

    Each animal is alive or not at every occasion, and the states of all are a chain over occasions.
    """
    num_animals, num_occasions = history.shape
    phi = numpyro.sample("phi", dist.Uniform(0.0, 1.0))
    rho = numpyro.sample("rho", dist.Uniform(0.0, 1.0))

    def transition(z, inputs):
        captured, t = inputs
        with numpyro.plate("animals", num_animals, dim=-1):
            survival = jnp.where(first < t, phi * z, 1.0)
            z = numpyro.sample("z", dist.Bernoulli(survival), infer={"enumerate": "parallel"})
            with numpyro.handlers.mask(mask=first < t):
                numpyro.sample("y", dist.Bernoulli(rho * z), obs=captured)
        return z, None

    occasions = jnp.arange(num_occasions)
    scan(transition, jnp.ones(num_animals, dtype=int), (history.T, occasions))
