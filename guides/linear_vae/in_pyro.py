import torch
from pyro import param, plate, sample
from pyro.distributions import Normal, constraints

from zoo._networks.in_pyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, loc, spread):
    encoder = network("encoder", MLP, D, (), Z)
    scale = param("encoder.scale", lambda: torch.ones(Z), constraint=constraints.positive)
    with plate("N", N):
        sample("z", Normal(encoder(((x - loc) / spread).nan_to_num()), scale).to_event(1))
