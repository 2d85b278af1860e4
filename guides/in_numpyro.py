from numpyro import sample
from numpyro.distributions import Delta

from guides import base
from inference.unconstrained.in_numpyro import UnconstrainedModel


class ModeCentredGuide(base.ModeCentredGuide):
    def make_model(self, inputs):
        return UnconstrainedModel(self.program, {}, inputs)

    def sample_value(self, name, value, log_density, event_dim):
        sample(name, Delta(value, log_density, event_dim))
