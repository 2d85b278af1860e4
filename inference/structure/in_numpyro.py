from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters.partial_eval import dce_jaxpr

from inference.exact.enumeration.in_numpyro import EnumeratedDensity, marginalize
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import compile_fast
from zoo._programs.supports.in_numpyro import sum_of_bounds, without_joins

NUM_POINTS = 3
KEY = jax.random.PRNGKey(0)  # of a program in which every latent has its value


class DensityTest:
    def __init__(self, program, keywords, data):
        self.density = EnumeratedDensity(program, keywords, data)
        self.model = model = UnconstrainedModel(marginalize(program), keywords, data)
        vectors = np.random.default_rng(0).uniform(-1, 1, (NUM_POINTS, model.size))

        def constrain(vectors):
            return {n: v for n, (v, _) in jax.vmap(model.compute_values)(vectors).items()}

        def log_joint(values, arrays):
            def at_point(values):
                returned = {n: v for n, (v, _) in model.compute_values(model.compute_vector(values)).items()}
                errors = [jnp.abs(returned[n] - v).max() for n, v in values.items()]
                return jnp.where(jnp.max(jnp.stack(errors)) < 1e-6, model.log_joint(values, arrays), jnp.nan)

            return jax.vmap(at_point)(values)

        self.draw_points = lambda: {n: np.asarray(v) for n, v in compile_fast(constrain)(vectors).items()}
        self.compiled = compile_fast(log_joint)

    @cached_property
    def points(self):
        return self.draw_points()  # compiled where dimensions are tested, and not for all programs

    @cached_property
    def log_joint_at_points(self):
        return self.log_joint(self.points)

    def log_joint(self, values):
        return np.asarray(self.compiled({n: jnp.asarray(values[n]) for n in self.model.shapes}, self.model.arrays))

    def likelihood_parents(self):
        point = {n: jnp.zeros(shape) for n, shape in self.model.shapes.items()}
        learned = {n: jnp.zeros(shape) for n, shape in self.density.shapes.items() if n not in point}
        leaves, tree = jax.tree.flatten(point)

        def total(*leaves):
            return self.density.total({**jax.tree.unflatten(tree, leaves), **learned})

        jaxpr = jax.make_jaxpr(total)(*leaves).jaxpr  # nothing is computed
        _, used = dce_jaxpr(jaxpr, [True])
        return {name for name, is_used in zip(sorted(point), used, strict=True) if is_used}

    def scale_parents(self):
        return self.parents(lambda site: None if site["is_observed"] else scale_of(site["fn"]))

    def bound_parents(self):
        return self.parents(lambda site: sum_of_bounds(site["fn"]) if site["is_observed"] else None)

    def parents(self, array_of):
        """For each site the other latents on which its array depends; of some sites ``array_of`` has none."""
        point = {n: jnp.zeros(shape) for n, shape in self.model.shapes.items()}
        leaves, tree = jax.tree.flatten(point)
        names = []

        def arrays(*leaves):
            nodes = self.model.sample_sites(KEY, lambda site: jax.tree.unflatten(tree, leaves).get(site["name"]))
            found = {n: array_of(s) for n, s in nodes.items()}
            names[:] = [n for n, array in found.items() if array is not None]
            return [found[n] for n in names]

        jaxpr = jax.make_jaxpr(arrays)(*leaves).jaxpr  # nothing is computed
        parents = {}
        for i, name in enumerate(names):
            _, used = dce_jaxpr(jaxpr, [i == j for j in range(len(names))])
            parents[name] = tuple(n for n, is_used in zip(sorted(point), used, strict=True) if is_used and n != name)
        return {n: p for n, p in parents.items() if p}


def scale_of(fn):
    """The scale of a distribution of a location-scale family; None of another."""
    fn = without_joins(fn)
    return getattr(fn, "scale", getattr(fn, "scale_tril", None))
