import torch
from pyro.distributions import Normal, TorchDistribution, constraints


class LogisticNormal(TorchDistribution):
    arg_constraints = {"loc": constraints.real_vector, "scale": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape[:-1], torch.Size((loc.shape[-1] + 1,)), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return LogisticNormal(self.loc.expand(*batch_shape, -1), self.scale.expand(*batch_shape, -1))

    def rsample(self, sample_shape=()):
        y = self.loc + self.scale * torch.randn(*sample_shape, *self.loc.shape)
        values = torch.nn.functional.pad(y, (0, 1)).softmax(-1)
        return values.clamp(min=torch.finfo(values.dtype).tiny)  # so that it has a logarithm

    def log_prob(self, value):
        log = value.log()
        return Normal(self.loc, self.scale).log_prob(log[..., :-1] - log[..., -1:]).sum(-1) - log.sum(-1)
