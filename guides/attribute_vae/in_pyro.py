import torch
from pyro import factor, plate, sample
from pyro.distributions import Normal

from zoo._distributions.mixed_columns.in_pyro import encode_columns
from zoo._networks import in_pyro as networks
from zoo.attribute_vae.in_pyro import class_log_probs, class_normals
from zoo.data.column_kinds import column_levels
from zoo.vae.in_pyro import centred_pixels


def guide(program, start=None):
    return amortised


def amortised(x, attribute=None, *, N, D, A, C, Z, network, width, depth, **keywords):
    is_pooled = network == "pooled" and keywords["likelihood"] != "mixed"
    features, count = encoder_inputs(x, D, **keywords), Z - A if is_pooled else Z
    encoder = networks.network("encoder", *networks.mlp(features.shape[-1], width, depth, 2 * count))
    with plate("N", N):
        mean, log_scale = encoder(features).chunk(2, -1)
        if is_pooled:
            pooled = networks.network("attribute_encoder", networks.PooledEncoder, D, width, 2 * A)
            own_mean, own_log_scale = pooled(pooled_pixels(x, **keywords)).chunk(2, -1)
            mean, log_scale = torch.cat([own_mean, mean], -1), torch.cat([own_log_scale, log_scale], -1)
        z = sample("z", Normal(mean, log_scale.exp()).to_event(1), infer={"blocks": tuple(range(A))})
        if attribute is not None:
            log_probs = class_log_probs(z, *class_normals(keywords["frequencies"], keywords["separation"], A, C))
            label = attribute.nan_to_num().long().expand(*z.shape[:-1], A)
            own = log_probs.gather(-1, label[..., None])[..., 0]
            weighted = torch.as_tensor(keywords["alpha"]) * torch.where(attribute.isnan(), 0.0, own)
            factor("supervision", -weighted.sum(-1), has_rsample=True)


def encoder_inputs(x, D, *, likelihood, loc, spread, columns, **keywords):
    """What the encoder reads of x: pixels about their mean, or numbers and indicators of levels, 0 where missing."""
    if likelihood == "mixed":
        return encode_columns(x, column_levels(columns, D), loc, spread)
    return centred_pixels(x, likelihood, loc, spread)


def pooled_pixels(x, *, likelihood, loc, spread, **keywords):
    """What the pooled encoder reads of x: pixels above the darkest one, one origin for all; 0 where missing."""
    return (x if likelihood == "bernoulli" else (x - torch.as_tensor(loc).min()) / spread).nan_to_num()
