import jax.numpy as jnp
from jax.nn import log_softmax
from numpyro import plate, sample
from numpyro.distributions import Categorical, MixtureSameFamily, Normal

from zoo._distributions.mixed_columns import num_outputs
from zoo._distributions.mixed_columns.in_numpyro import decoded_columns
from zoo._networks import in_numpyro as networks
from zoo.data.column_kinds import column_levels
from zoo.vae.in_numpyro import pixel_scale, sample_pixels


def model(
    x=None,
    attribute=None,
    *,
    N,
    D,
    A,
    C,
    Z=10,
    likelihood="bernoulli",
    network="mlp",  # for the guide
    width=200,
    depth=2,
    loc=0.0,
    spread=1.0,
    base=0.0,
    sigma=None,
    columns=None,
    frequencies=1.0,
    separation=5.0,
    alpha=1.0,  # for the guide
):
    is_mixed, columns = likelihood == "mixed", column_levels(columns, D)
    outputs = num_outputs(columns) if is_mixed else D
    decoder = networks.network("decoder", *networks.mlp(Z, width, depth, outputs))
    sigma = None if is_mixed else pixel_scale(sigma, likelihood, spread)
    log_shares, means, scales = class_normals(frequencies, separation, A, C)
    with plate("N", N):
        z = sample("z", code_prior(log_shares, means, scales, Z))
        classes = Categorical(logits=class_log_probs(z, log_shares, means, scales))
        if attribute is not None:
            classes, attribute = classes.mask(~jnp.isnan(attribute)), jnp.nan_to_num(attribute).astype(int)
        sample("attribute", classes.to_event(1), obs=attribute)
        if is_mixed:
            sample("x", decoded_columns(base + decoder(z), loc, spread, columns), obs=x)
        else:
            sample_pixels(x, decoder(z), D, likelihood, loc, spread, sigma, None)


def class_normals(frequencies, separation, A, C):
    """log p(class) (A, C), -inf for a class without a part; the mean (A, C) of z given it, and its scale (A, 1)."""
    shares = jnp.broadcast_to(jnp.asarray(frequencies, jnp.zeros(()).dtype), (A, C))
    shares = shares / shares.sum(-1, keepdims=True)
    positions = separation * jnp.cumsum(shares > 0, -1)
    positions = positions - (shares * positions).sum(-1, keepdims=True)
    scales = 1 / jnp.sqrt(1 + (shares * positions**2).sum(-1, keepdims=True))
    return jnp.log(shares), scales * positions, scales


def code_prior(log_shares, means, scales, Z):
    """A mixture for each attribute's coordinate, and for the others one too, of which one component has a part."""
    A, C = means.shape
    others = ((0, Z - A), (0, 0))
    logits = jnp.concatenate([log_shares, jnp.broadcast_to(jnp.where(jnp.arange(C) == 0, 0.0, -jnp.inf), (Z - A, C))])
    scales = jnp.pad(jnp.broadcast_to(scales, (A, C)), others, constant_values=1.0)
    normals = Normal(jnp.pad(means, others), scales)
    return MixtureSameFamily(Categorical(logits=logits), normals).to_event(1)


def class_log_probs(z, log_shares, means, scales):
    """log p(class | z) of each attribute, (..., A, C)."""
    own = z[..., : len(means), None]
    return log_softmax(log_shares - 0.5 * ((own - means) / scales) ** 2, -1)
