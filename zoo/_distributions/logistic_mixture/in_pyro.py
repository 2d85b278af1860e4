import torch
from pyro.distributions import TorchDistribution, constraints

from zoo._distributions.discretised_logistic.in_pyro import DiscretisedLogistic


class LogisticMixture(TorchDistribution):
    arg_constraints = {  # noqa: RUF012
        "logits": constraints.real_vector,
        "loc": constraints.independent(constraints.real, 3),
        "scale": constraints.independent(constraints.positive, 3),
    }
    support = constraints.independent(constraints.nonnegative_integer, 1)  # and below ``levels``

    def __init__(self, logits, loc, scale, levels, validate_args=None):
        self.logits, self.loc, self.scale, self.levels = logits, loc, scale, levels
        *rows, P, C, _ = loc.shape
        super().__init__(torch.Size(rows), torch.Size([P * C]), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        logits, loc, scale = (
            v.expand(*batch_shape, *v.shape[len(self.batch_shape) :]) for v in (self.logits, self.loc, self.scale)
        )
        return type(self)(logits, loc, scale, self.levels, validate_args=False)

    @property
    def components(self):
        return DiscretisedLogistic(self.loc, self.scale, self.levels, validate_args=False)

    @property
    def mean(self):
        weights = self.logits.softmax(-1).unsqueeze(-2)
        return (weights * self.components.mean).sum(-1).flatten(-2)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            component = torch.distributions.Categorical(logits=self.logits).sample(sample_shape)
            values = self.components.sample(sample_shape)  # of every component, and one of them is chosen
            index = component[..., None, None].expand(*values.shape[:-1], 1)
            return values.gather(-1, index).flatten(-3)

    def log_prob(self, value):
        observed = ~value.isnan()
        colours = (*value.shape[:-1], *self.loc.shape[-3:-1], 1)
        x, observed = value.nan_to_num().reshape(colours), observed.reshape(colours)
        terms = torch.where(observed, self.components.log_prob(x), 0.0).sum(-2)
        return (self.logits.log_softmax(-1) + terms).logsumexp(-1).sum(-1)
