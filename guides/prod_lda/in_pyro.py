from pyro import plate, sample
from pyro.distributions import Normal

from zoo._distributions.words.in_pyro import to_counts
from zoo._networks import in_pyro as networks


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder("mlp", V, width, depth, 2 * K))
    with plate("N", N):
        loc, log_scale = encoder(to_counts(w, V).log1p()).chunk(2, -1)
        sample("z", Normal(loc, log_scale.exp()).to_event(1))
