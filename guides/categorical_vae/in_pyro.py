from pyro import plate, sample
from pyro.distributions import OneHotCategorical

from zoo._networks import in_pyro as networks


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, M, K, network, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, M * K))
    with plate("N", N):
        sample("z", OneHotCategorical(logits=encoder(x.nan_to_num()).unflatten(-1, (M, K))).to_event(1))
