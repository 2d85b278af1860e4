from pyro import plate, sample
from pyro.distributions import Normal

from zoo._networks import in_pyro as networks
from zoo.vae.in_pyro import is_complete


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, network, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, 2 * Z))
    with plate("N", N):
        loc, log_scale = encoder(x if is_complete(x) else x.nan_to_num()).chunk(2, -1)
        sample("z", Normal(loc, log_scale.exp()).to_event(1))
