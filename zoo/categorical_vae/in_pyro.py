import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli, OneHotCategorical

from zoo._networks import in_pyro as networks
from zoo.vae.in_pyro import mask_missing


def model(x=None, *, N, D, M=20, K=10, network="mlp", width=200, depth=2, loc=0.0):
    decoder = networks.network("decoder", *networks.decoder(network, M * K, width, depth, D))
    with plate("N", N):
        z = sample("z", OneHotCategorical(logits=torch.zeros(M, K)).to_event(1))
        pixels, x = mask_missing(Bernoulli(logits=loc + decoder(z.flatten(-2))), x)
        sample("x", pixels.to_event(1), obs=x)
