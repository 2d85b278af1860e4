import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import constraints

from guides.latent_dirichlet import WIDTHS
from zoo._distributions.dirichlet.in_numpyro import Dirichlet
from zoo._distributions.logistic_normal.in_numpyro import LogisticNormal
from zoo._distributions.words.in_numpyro import to_counts
from zoo._networks.in_numpyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, **others):
    bag = to_counts(w, V)

    def initial_concentration(key):  # the corpus, divided among the topics at random
        return 1 + jax.random.gamma(key, 1.0, (K, V)) * bag.sum(0) * (N / len(bag) / K)

    concentration = param("phi.concentration", initial_concentration, constraint=constraints.positive)
    with plate("K", K):
        sample("phi", Dirichlet(concentration))
    encoder = network("encoder", MLP, V, WIDTHS, 2 * max(K - 1, 1))  # with one topic the output is not used
    with plate("N", N):
        loc, log_scale = jnp.split(encoder(jnp.log1p(bag)), 2, axis=-1)
        sample("theta", LogisticNormal(loc[..., : K - 1], jnp.exp(log_scale[..., : K - 1])))
