import jax.numpy as jnp
from jax.nn import one_hot
from numpyro import plate, sample
from numpyro.distributions import Bernoulli, Categorical, Normal

from zoo._networks.in_numpyro import MLP, network
from zoo.vae.in_numpyro import mask_missing


def model(x=None, label=None, *, N, D, C, Z=20, width=200, depth=2, loc=0.0, alpha=1.0):  # alpha is for the guide
    decoder = network("decoder", MLP, Z + C, (width,) * depth, D)
    with plate("N", N):
        y = sample("y", Categorical(logits=jnp.zeros(C)))
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        pixels, classes = (
            Bernoulli(logits=loc + decoder(concatenate_rows(z, one_hot(y, C)))),
            Categorical(logits=one_hot_log_probs(y, C)),
        )
        pixels, x = mask_missing(pixels, x)
        if label is not None:
            classes, label = classes.mask(~jnp.isnan(label)), jnp.nan_to_num(label).astype(int)
        sample("x", pixels.to_event(1), obs=x)
        sample("label", classes, obs=label)


def one_hot_log_probs(y, C):
    """log p of each class given y: 0 for y, -inf for the others."""
    return jnp.log(one_hot(y, C))


def concatenate_rows(a, b):
    """``a`` and ``b`` concatenated along the last dimension, leading dimensions broadcast."""
    rows = jnp.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return jnp.concatenate([jnp.broadcast_to(v, (*rows, v.shape[-1])) for v in (a, b)], -1)
