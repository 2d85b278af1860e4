import torch
from pyro.distributions import Dirichlet as Plain


class Dirichlet(Plain):
    def expand(self, batch_shape, _instance=None):
        return Dirichlet(self.concentration.expand(*batch_shape, -1))

    def rsample(self, sample_shape=()):
        draws = super().rsample(sample_shape)
        return draws.clamp(min=torch.finfo(draws.dtype).tiny)
