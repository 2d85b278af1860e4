from pyro import sample
from pyro.distributions import Delta

from guides import base as from_mode
from inference.unconstrained.in_pyro import UnconstrainedModel


class FromMode(from_mode.FromMode):
    def opened(self, inputs):
        return UnconstrainedModel(self.program, {}, inputs)

    def place(self, name, value, log_density, event_dim):
        sample(name, Delta(value, log_density, event_dim))
