import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli

from zoo._networks.in_pyro import MLP, network
from zoo.sigmoid_belief_network.in_pyro import signs


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, L, Z, width, depth, activation, loc, **others):
    lower = network("encoder.z1", MLP, D, (width,) * depth, Z, activation)
    upper = network("encoder.z2", MLP, Z, (width,) * depth, Z, activation) if L == 2 else None
    mean = torch.as_tensor(loc).sigmoid()
    with plate("N", N):
        z1 = sample("z1", Bernoulli(logits=lower((x - mean).nan_to_num())).to_event(1))
        if upper:
            sample("z2", Bernoulli(logits=upper(signs(z1))).to_event(1))
