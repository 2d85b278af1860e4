import numpy as np
import torch

from inference.exact.enumeration.in_pyro import FUNCTIONS, EnumeratedDensity, map_draws, marginalize
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import runtime, to_backend, to_numpy


class RowDensities:
    def __init__(self, model, keywords, table):
        with runtime("float64"):
            program, keywords, data = model.collapsed or model.program, to_backend(keywords), to_backend(table)
            self.unconstrained = UnconstrainedModel(marginalize(program), keywords, data)
            self.density = EnumeratedDensity(program, keywords, data)
        self.names = list(self.unconstrained.shapes)

    def vectors(self, draws):
        with runtime("float64"):
            free = to_numpy(self.unconstrained.unconstrain_draws(to_backend(draws)))
        return np.concatenate([free[n].reshape(len(free[n]), -1) for n in self.names], axis=1)

    def values(self, vectors):
        def at_vector(draw):
            return {n: v for n, (v, _) in self.unconstrained.constrain(draw["vector"]).items()}

        with runtime("float64"):
            return to_numpy(map_draws(at_vector, {"vector": torch.as_tensor(vectors)}, self.density.data))

    def log_p(self, vectors):
        def at_vector(draw):
            values = {n: v for n, (v, _) in self.unconstrained.constrain(draw["vector"]).items()}
            rows = self.density.factor_graph(values).log_marginal_by_row(FUNCTIONS)
            return {"joint": self.unconstrained.log_density(draw["vector"]), "rows": rows}

        with runtime("float64"):
            logs = to_numpy(map_draws(at_vector, {"vector": torch.as_tensor(vectors)}, self.density.data))
        return logs["joint"], logs["rows"]
