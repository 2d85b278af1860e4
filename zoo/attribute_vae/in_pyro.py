import torch
from pyro import plate, sample
from pyro.distributions import Categorical, MixtureSameFamily, Normal

from zoo._distributions.mixed_columns import num_outputs
from zoo._distributions.mixed_columns.in_pyro import decoded_columns
from zoo._networks import in_pyro as networks
from zoo.data.column_kinds import column_levels
from zoo.vae.in_pyro import pixel_scale, sample_pixels


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
            classes, attribute = classes.mask(~attribute.isnan()), attribute.nan_to_num().long()
        sample("attribute", classes.to_event(1), obs=attribute)
        if is_mixed:
            sample("x", decoded_columns(base + decoder(z), loc, spread, columns), obs=x)
        else:
            sample_pixels(x, decoder(z), D, likelihood, loc, spread, sigma, None)


def class_normals(frequencies, separation, A, C):
    """log p(class) (A, C), -inf for a class without a part; the mean (A, C) of z given it, and its scale (A, 1)."""
    shares = torch.as_tensor(frequencies, dtype=torch.get_default_dtype()).expand(A, C)
    shares = shares / shares.sum(-1, keepdim=True)
    positions = separation * (shares > 0).cumsum(-1)
    positions = positions - (shares * positions).sum(-1, keepdim=True)
    scales = (1 + (shares * positions**2).sum(-1, keepdim=True)).rsqrt()
    return shares.log(), scales * positions, scales


def code_prior(log_shares, means, scales, Z):
    """A mixture for each attribute's coordinate, and for the others one too, of which one component has a part."""
    A, C = means.shape
    first = torch.where(torch.arange(C) == 0, 0.0, -torch.inf)
    logits = torch.cat([log_shares, first.expand(Z - A, C)])
    means = torch.cat([means, torch.zeros(Z - A, C)])
    scales = torch.cat([scales, torch.ones(Z - A, 1)]).expand(Z, C)
    return MixtureSameFamily(Categorical(logits=logits), Normal(means, scales)).to_event(1)


def class_log_probs(z, log_shares, means, scales):
    """log p(class | z) of each attribute, (..., A, C)."""
    own = z[..., : len(means), None]
    return (log_shares - 0.5 * ((own - means) / scales) ** 2).log_softmax(-1)
