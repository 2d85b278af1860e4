import torch
from pyro import factor, plate, sample
from pyro.distributions import Normal

from zoo._networks import in_pyro as networks
from zoo.attribute_vae.in_pyro import class_log_probs, class_normals
from zoo.vae.in_pyro import centred_pixels


def guide(program, start=None):
    return amortised


def amortised(x, attribute=None, *, N, D, A, C, Z, network, width, depth, **keywords):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, 2 * Z))
    centred = centred_pixels(x, keywords["likelihood"], keywords["loc"], keywords["spread"])
    with plate("N", N):
        mean, log_scale = encoder(centred).chunk(2, -1)
        z = sample("z", Normal(mean, log_scale.exp()).to_event(1), infer={"blocks": tuple(range(A))})
        if attribute is not None:
            log_probs = class_log_probs(z, *class_normals(keywords["frequencies"], keywords["separation"], A, C))
            label = attribute.nan_to_num().long().expand(*z.shape[:-1], A)
            own = log_probs.gather(-1, label[..., None])[..., 0]
            weighted = torch.as_tensor(keywords["alpha"]) * torch.where(attribute.isnan(), 0.0, own)
            factor("supervision", -weighted.sum(-1), has_rsample=True)
