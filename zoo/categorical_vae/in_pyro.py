import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli, Categorical

from zoo._networks import in_pyro as networks
from zoo.semi_supervised_vae.in_pyro import one_hot
from zoo.vae.in_pyro import mask_missing


def model(x=None, *, N, D, M=20, K=10, network="mlp", width=200, depth=2, loc=0.0):
    decoder = networks.network("decoder", *networks.decoder(network, M * K, width, depth, D))
    with plate("N", N):
        z = sample("z", Categorical(logits=torch.zeros(M, K)).to_event(1))
        code = one_hot(z, K).flatten(-2)
        pixels, x = mask_missing(Bernoulli(logits=loc + decoder(code)), x)
        sample("x", pixels.to_event(1), obs=x)
