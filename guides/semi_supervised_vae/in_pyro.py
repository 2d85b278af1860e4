import torch
from pyro import factor, plate, sample
from pyro.distributions import Categorical, Normal

from zoo._networks.in_pyro import MLP, network
from zoo.semi_supervised_vae.in_pyro import concatenate_rows, one_hot, one_hot_log_probs
from zoo.vae.in_pyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, label=None, *, N, D, Z, C, width, depth, alpha, loc, **others):
    classifier = network("classifier", MLP, D, (width,) * depth, C)
    encoder = network("encoder", MLP, D + C, (width,) * depth, 2 * Z)
    x = encoder_pixels(x, "bernoulli", loc, 1.0)
    known = torch.zeros(x.shape[:-1], dtype=torch.bool) if label is None else ~label.isnan()
    label = torch.zeros(x.shape[:-1], dtype=torch.long) if label is None else label.nan_to_num().long()
    with plate("N", N):
        logits = classifier(x).log_softmax(-1)
        y = sample("y", Categorical(logits=torch.where(known[..., None], one_hot_log_probs(label, C), logits)))
        mean, log_scale = encoder(concatenate_rows(x, one_hot(y, C))).chunk(2, -1)
        sample("z", Normal(mean, log_scale.exp()).to_event(1))
        chosen = logits.gather(-1, label[..., None])[..., 0]
        factor("classification", -alpha * torch.where(known, chosen, 0.0), has_rsample=False)
