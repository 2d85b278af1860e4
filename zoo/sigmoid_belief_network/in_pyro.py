import torch
from pyro import param, plate, sample
from pyro.distributions import Bernoulli

from zoo._networks.in_pyro import MLP, network
from zoo.vae.in_pyro import mask_missing


def model(x=None, *, N, D, L=2, Z=200, width=200, depth=0, activation="tanh", loc=0.0):
    logits = param("logits", lambda: torch.zeros(Z))
    pixels_of = network("decoder.x", MLP, Z, (width,) * depth, D, activation)
    units_of = network("decoder.z1", MLP, Z, (width,) * depth, Z, activation) if L == 2 else None
    with plate("N", N):
        z = sample(f"z{L}", Bernoulli(logits=logits).to_event(1))
        if units_of:
            z = sample("z1", Bernoulli(logits=units_of(signs(z))).to_event(1))
        pixels, x = mask_missing(Bernoulli(logits=loc + pixels_of(signs(z))), x)
        sample("x", pixels.to_event(1), obs=x)


def signs(z):
    """-1 for a unit that is 0, and 1 for a unit that is 1."""
    return 2.0 * z - 1.0
