import torch
from pyro.distributions import TorchDistribution, constraints
from torch.nn.functional import logsigmoid


class DiscretisedLogistic(TorchDistribution):
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative_integer  # and below ``levels``: beyond it the density is 0

    def __init__(self, loc, scale, levels, validate_args=None):
        self.loc, self.scale, self.levels = loc, torch.as_tensor(scale), levels
        shape = torch.broadcast_shapes(loc.shape, self.scale.shape)
        super().__init__(shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return type(self)(self.loc.expand(batch_shape), self.scale, self.levels, validate_args=False)

    @property
    def mean(self):
        # of a count the sum of P(x >= k), one after another: all at once would fill the memory
        total = torch.zeros(self.batch_shape)
        for k in range(1, self.levels):
            total = total + ((self.loc - k + 0.5) / self.scale).sigmoid()
        return total

    def sample(self, sample_shape=()):
        with torch.no_grad():
            u = self.loc.new_empty(self.shape(sample_shape)).uniform_()
            return (self.loc + self.scale * u.logit(eps=1e-7)).round().clamp(0, self.levels - 1)

    def log_prob(self, value):
        rate = 1 / self.scale
        has_lower_edge, has_upper_edge = (
            value > 0,
            value < self.levels - 1,
        )  # whether there is an edge below, and one above
        edges = torch.where(has_upper_edge, logsigmoid((value + 0.5 - self.loc) * rate), 0.0)
        edges = edges + torch.where(has_lower_edge, logsigmoid((self.loc - value + 0.5) * rate), 0.0)
        inner = edges + torch.where(has_lower_edge & has_upper_edge, (-torch.expm1(-rate)).log(), 0.0)
        return torch.where((value >= 0) & (value <= self.levels - 1), inner, -torch.inf)
