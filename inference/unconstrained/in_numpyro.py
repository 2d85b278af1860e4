import math

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.distributions import biject_to
from numpyro.infer import init_to_uniform
from numpyro.infer.util import log_density

from inference.unconstrained import FEW
from zoo import ZooError


class UnconstrainedModel:
    def __init__(self, program, keywords, data):
        inputs = {**data, **keywords}
        # arrays are arguments of what is compiled, everything else is part of it
        self.arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        self.plain = {n: v for n, v in inputs.items() if n not in self.arrays}
        self.program = program
        self.plates, self.event_dims = {}, {}

        def anywhere(key):  # a value in each support: a prior that cannot be drawn from has one too
            nodes = self.latents(key, init_to_uniform)
            self.plates = {n: tuple(f.name for f in s["cond_indep_stack"]) for n, s in nodes.items()}
            self.event_dims = {n: s["fn"].event_dim for n, s in nodes.items()}
            return {n: s["value"] for n, s in nodes.items()}, {n: s["fn"].support for n, s in nodes.items()}

        # shapes alone: nothing is computed, and so nothing compiled
        values, supports = jax.eval_shape(anywhere, jax.random.PRNGKey(0))
        self.shapes = {n: v.shape for n, v in values.items()}
        if not self.shapes:
            raise ZooError("the program has no continuous latent: there is nothing to fit")
        if jax.tree.leaves(supports):  # bounds that are arrays: their values are wanted
            supports, others = (jax.jit(lambda k: anywhere(k)[1])(jax.random.PRNGKey(i)) for i in (0, 1))
            for name in self.shapes:
                if any(
                    (a != b).any() for a, b in zip(*map(jax.tree.leaves, (supports[name], others[name])), strict=True)
                ):
                    raise ZooError(
                        f"the support of {name} moves with another latent: write it as a function of a free one"
                    )
        self.bijections = {n: biject_to(s) for n, s in supports.items()}
        self.free_shapes = {n: self.bijections[n].inverse_shape(s) for n, s in self.shapes.items()}
        self.size = sum(map(math.prod, self.free_shapes.values()))
        # eager JAX compiles operation by operation, which takes seconds
        self.flat, self.constrain = jax.jit(self.ravel), jax.jit(self.unravel)

    def latents(self, key, drawn=lambda site: None):
        run = handlers.substitute(handlers.seed(self.program, key), substitute_fn=drawn)
        with handlers.block():
            nodes = handlers.trace(run).get_trace(**self.arrays, **self.plain)
        return {n: s for n, s in nodes.items() if s["type"] == "sample" and not s["is_observed"]}

    def numbers(self, values):
        return np.asarray(self.flat(values), float)

    def ravel(self, values):
        return jnp.concatenate([b.inv(values[n]).reshape(-1) for n, b in self.bijections.items()])

    def unravel(self, free):
        parts = jnp.split(free, np.cumsum([math.prod(s) for s in self.free_shapes.values()])[:-1])
        values = {}
        for (name, shape), part in zip(self.free_shapes.items(), parts, strict=True):
            part = part.reshape(shape)
            value = self.bijections[name](part)
            log_jacobian = self.bijections[name].log_abs_det_jacobian(part, value)
            batch = value.shape[: value.ndim - self.event_dims[name]]
            values[name] = value, log_jacobian.reshape(*batch, -1).sum(-1)
        return values

    def log_density(self, free, arrays, jacobian=True):
        values = self.constrain(free)
        joint = self.log_joint({n: v for n, (v, _) in values.items()}, arrays)
        return joint + sum(j.sum() for _, j in values.values()) if jacobian else joint

    def log_joint(self, values, arrays):
        """log p(values, data), of the values as they stand."""
        with handlers.block():
            return log_density(self.program, (), {**arrays, **self.plain}, values)[0]

    def value_grad_hvp(self, jacobian=True):
        # gradient and curvature out of one compilation: it takes longer than all the calls
        def at(free, direction, arrays):
            slope = jax.value_and_grad(lambda f: self.log_density(f, arrays, jacobian))
            (value, gradient), (_, turn) = jax.jvp(slope, (free,), (direction,))
            return value, gradient, turn

        vector = jnp.zeros(self.size)
        compiled = jax.jit(at).lower(vector, vector, self.arrays).compile()

        def value_grad_hvp(*point):
            value, *rest = compiled(*(jnp.asarray(p, vector.dtype) for p in point), self.arrays)
            return float(value), *(np.asarray(r, float) for r in rest)

        return value_grad_hvp

    def prior_median(self, seed):
        def one(key):
            return self.ravel({n: s["value"] for n, s in self.latents(key).items()})

        try:
            free = jnp.median(jax.jit(jax.vmap(one))(jax.random.split(jax.random.PRNGKey(seed), FEW)), axis=0)
        except NotImplementedError:  # an improper prior
            free = jax.random.normal(jax.random.PRNGKey(seed), (self.size,))
        return {n: v for n, (v, _) in self.constrain(free).items()}
