import torch
from pyro import param, plate, sample
from pyro.distributions import Normal

from zoo._distributions.words.in_pyro import Words


def model(w=None, *, N, T, V, K, width=100, depth=2, alpha=0.1, loc=0.0):
    beta = param("beta", lambda: 0.1 * torch.randn(K, V))
    scale = ((1 - 1 / K) / torch.as_tensor(alpha)).sqrt()
    with plate("N", N):
        z = sample("z", Normal(torch.zeros(K), scale.clamp(min=1e-3)).to_event(1))
        sample("w", Words(loc + z.softmax(-1) @ beta, T, w), obs=w)
