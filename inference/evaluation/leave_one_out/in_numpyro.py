import jax
import jax.numpy as jnp
import numpy as np

from inference.exact.enumeration.in_numpyro import FUNCTIONS, EnumeratedDensity, marginalize
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import runtime, to_backend, to_numpy


class RowDensities:
    def __init__(self, model, keywords, table):
        with runtime("float64"):
            program, keywords, data = model.collapsed or model.program, to_backend(keywords), to_backend(table)
            self.unconstrained = UnconstrainedModel(marginalize(program), keywords, data)
            density = EnumeratedDensity(program, keywords, data)
        self.names = list(self.unconstrained.shapes)

        def at_vector(vector):
            values = {n: v for n, (v, _) in self.unconstrained.compute_values(vector).items()}
            rows = density.factor_graph(values).log_marginal_by_row(FUNCTIONS)
            return self.unconstrained.log_density(vector, self.unconstrained.arrays), rows

        self.evaluate = jax.jit(lambda vectors: jax.lax.map(at_vector, vectors))

    def vectors(self, draws):
        with runtime("float64"):
            free = to_numpy(self.unconstrained.unconstrain_draws(to_backend(draws)))
        return np.concatenate([free[n].reshape(len(free[n]), -1) for n in self.names], axis=1)

    def values(self, vectors):
        def at_vector(vector):
            return {n: v for n, (v, _) in self.unconstrained.constrain(vector).items()}

        with runtime("float64"):
            return to_numpy(jax.vmap(at_vector)(jnp.asarray(vectors)))

    def log_p(self, vectors):
        with runtime("float64"):
            joint, rows = self.evaluate(jnp.asarray(vectors))
            return np.asarray(joint), np.asarray(rows)
