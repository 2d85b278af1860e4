from itertools import pairwise

import torch
from pyro.distributions import Categorical, TorchDistribution, constraints
from torch import nn

from zoo._distributions.autoregressive import EMBEDDING, masks


class CategoryNetwork(nn.Module):
    def __init__(self, M, K, width, depth):
        super().__init__()
        self.sizes = M, width, depth
        widths = (M * EMBEDDING, *(width,) * depth, M * EMBEDDING)
        self.embedding = nn.Linear(K, EMBEDDING)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))
        self.logits = nn.Linear(EMBEDDING, K)

    def forward(self, z):
        x = nn.functional.embedding(z, self.embedding.weight.mT) + self.embedding.bias
        x = x.flatten(-2)
        for i, (layer, mask) in enumerate(zip(self.layers, masks(*self.sizes), strict=True)):
            x = x if i == 0 else x.tanh()
            x = nn.functional.linear(x, layer.weight * torch.as_tensor(mask.T).to(x), layer.bias)
        return self.logits(x.unflatten(-1, (z.shape[-1], EMBEDDING)))


class AutoregressiveCategorical(TorchDistribution):
    arg_constraints = {}  # noqa: RUF012

    def __init__(self, logits_of, M, K, batch_shape=(), validate_args=None):
        self.logits_of, self.K = logits_of, K
        super().__init__(torch.Size(batch_shape), torch.Size((M,)), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.independent(constraints.integer_interval(0, self.K - 1), 1)

    def expand(self, batch_shape, _instance=None):
        return type(self)(self.logits_of, *self.event_shape, self.K, batch_shape, validate_args=False)

    def sample(self, sample_shape=()):
        z = torch.zeros(self.shape(sample_shape), dtype=torch.long)
        with torch.no_grad():
            for m in range(*self.event_shape):
                z[..., m] = Categorical(logits=self.logits_of(z)[..., m, :]).sample()
        return z

    def log_prob(self, value):
        return Categorical(logits=self.logits_of(value)).log_prob(value).sum(-1)
