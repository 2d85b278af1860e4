import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli, Categorical, Normal

from zoo._networks.in_pyro import MLP, network
from zoo.vae.in_pyro import mask_missing


def model(x=None, label=None, *, N, D, C, Z=20, width=200, depth=2, loc=0.0, alpha=1.0):  # alpha is for the guide
    decoder = network("decoder", MLP, Z + C, (width,) * depth, D)
    with plate("N", N):
        y = sample("y", Categorical(logits=torch.zeros(C)))
        z = sample("z", Normal(torch.zeros(Z), 1.0).to_event(1))
        pixels, classes = (
            Bernoulli(logits=loc + decoder(concatenate_rows(z, one_hot(y, C)))),
            Categorical(logits=one_hot_log_probs(y, C)),
        )
        pixels, x = mask_missing(pixels, x)
        if label is not None:
            classes, label = classes.mask(~label.isnan()), label.nan_to_num().long()
        sample("x", pixels.to_event(1), obs=x)
        sample("label", classes, obs=label)


def one_hot(y, C):
    return torch.nn.functional.one_hot(y, C).to(torch.get_default_dtype())


def one_hot_log_probs(y, C):
    """log p of each class given y: 0 for y, -inf for the others."""
    return one_hot(y, C).log()


def concatenate_rows(a, b):
    """``a`` and ``b`` concatenated along the last dimension, leading dimensions broadcast."""
    rows = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return torch.cat([v.expand(*rows, v.shape[-1]) for v in (a, b)], -1)
