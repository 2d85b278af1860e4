import jax.numpy as jnp
from jax.nn import log_softmax, one_hot
from numpyro import factor, plate, sample
from numpyro.distributions import Categorical, Normal

from zoo._networks.in_numpyro import MLP, network
from zoo.semi_supervised_vae.in_numpyro import concatenate_rows, one_hot_log_probs
from zoo.vae.in_numpyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, label=None, *, N, D, Z, C, width, depth, alpha, loc, **others):
    classifier = network("classifier", MLP, D, (width,) * depth, C)
    encoder = network("encoder", MLP, D + C, (width,) * depth, 2 * Z)
    x = encoder_pixels(x, "bernoulli", loc, 1.0)
    known = jnp.zeros(x.shape[:-1], bool) if label is None else ~jnp.isnan(label)
    label = jnp.zeros(x.shape[:-1], int) if label is None else jnp.nan_to_num(label).astype(int)
    with plate("N", N):
        logits = log_softmax(classifier(x))
        y = sample("y", Categorical(logits=jnp.where(known[..., None], one_hot_log_probs(label, C), logits)))
        mean, log_scale = jnp.split(encoder(concatenate_rows(x, one_hot(y, C))), 2, axis=-1)
        sample("z", Normal(mean, jnp.exp(log_scale)).to_event(1))
        chosen = jnp.take_along_axis(logits, label[..., None], -1)[..., 0]
        factor("classification", -alpha * jnp.where(known, chosen, 0.0))
