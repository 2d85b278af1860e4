import math
from functools import cache, cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.distributions import biject_to
from numpyro.infer import init_to_uniform
from numpyro.infer.util import log_density

from inference.unconstrained import NUM_PRIOR_DRAWS, NUM_START_DRAWS
from zoo import ZooError

STEP = 1e-4  # of differences of gradients, in unconstrained units
UNUSED_KEY = jax.random.PRNGKey(0)  # every site has its value


class UnconstrainedModel:
    def __init__(self, program, keywords, data, needs_latents=True):
        inputs: dict[str, Any] = {**data, **keywords}
        # arrays are arguments of what is compiled, everything else is constant
        self.arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        self.static = {n: v for n, v in inputs.items() if n not in self.arrays}
        self.program = program
        self.plates, self.event_dims = {}, {}

        def initial_values(key):  # a value in each support: an improper prior has one too
            nodes = self.latents(key, init_to_uniform)
            self.plates = {n: tuple(f.name for f in s["cond_indep_stack"]) for n, s in nodes.items()}
            self.event_dims = {n: s["fn"].event_dim for n, s in nodes.items()}
            return {n: s["value"] for n, s in nodes.items()}, {n: s["fn"].support for n, s in nodes.items()}

        # shapes alone: nothing is computed, and so nothing compiled
        values, supports = jax.eval_shape(initial_values, jax.random.PRNGKey(0))
        self.shapes = {n: v.shape for n, v in values.items()}
        if needs_latents and not self.shapes:
            raise ZooError("the program has no continuous latent, so there is nothing to fit")
        if jax.tree.leaves(supports):  # bounds that are arrays: compute their values
            supports, others = (jax.jit(lambda k: initial_values(k)[1])(jax.random.PRNGKey(i)) for i in (0, 1))
            for name in self.shapes:
                if any(
                    (a != b).any() for a, b in zip(*map(jax.tree.leaves, (supports[name], others[name])), strict=True)
                ):
                    raise ZooError(
                        f"the support of {name} depends on another latent: write it as a function of one whose support "
                        "is fixed"
                    )
        self.bijections = {n: biject_to(s) for n, s in supports.items()}
        self.unconstrained_shapes = {n: self.bijections[n].inverse_shape(s) for n, s in self.shapes.items()}
        self.size = sum(map(math.prod, self.unconstrained_shapes.values()))
        # eager JAX compiles operation by operation, which takes seconds
        self.unconstrain, self.constrain = jax.jit(self.compute_vector), jax.jit(self.compute_values)
        self.value_grad_hvp = cache(self.compile_gradient)  # for the search of a start, and for what begins there

    def sample_sites(self, key, init=lambda site: None):
        run = handlers.substitute(handlers.seed(self.program, key), substitute_fn=init)
        with handlers.block():
            nodes = handlers.trace(run).get_trace(**self.arrays, **self.static)
        return {n: s for n, s in nodes.items() if s["type"] == "sample"}

    def latents(self, key, init=lambda site: None):
        latents = {n: s for n, s in self.sample_sites(key, init).items() if not s["is_observed"]}
        return {n: s for n, s in latents.items() if not s["fn"].is_discrete}  # those that remain are drawn

    def unconstrain_numpy(self, values):
        return np.asarray(self.unconstrain(values), float)

    def unconstrain_draws(self, draws):
        inverses = {n: b.inv for n, b in self.bijections.items() if n in draws}
        return jax.jit(lambda values: {n: jax.vmap(inverse)(values[n]) for n, inverse in inverses.items()})(draws)

    def constrain_numpy(self, vector):
        """Values of the latents, arrays of the backend, from a vector in NumPy."""
        return {n: v for n, (v, _) in self.constrain(jnp.asarray(vector, jnp.zeros(()).dtype)).items()}

    def compute_vector(self, values):
        return jnp.concatenate([b.inv(values[n]).reshape(-1) for n, b in self.bijections.items()])

    def compute_values(self, vector):
        parts = jnp.split(vector, np.cumsum([math.prod(s) for s in self.unconstrained_shapes.values()])[:-1])
        values = {}
        for (name, shape), part in zip(self.unconstrained_shapes.items(), parts, strict=True):
            values[name] = self.compute_value(name, part.reshape(shape))
        return values

    def compute_value(self, name, unconstrained):
        value = self.bijections[name](unconstrained)
        log_jacobian = self.bijections[name].log_abs_det_jacobian(unconstrained, value)
        batch = value.shape[: value.ndim - self.event_dims[name]]
        return value, log_jacobian.reshape(*batch, -1).sum(-1)

    def constrain_draws(self, draws):
        return {n: jax.jit(jax.vmap(partial(self.compute_value, n)))(v) for n, v in draws.items()}

    def log_density(self, vector, arrays, jacobian=True):
        values = self.constrain(vector)
        joint = self.log_joint({n: v for n, (v, _) in values.items()}, arrays)
        return joint + sum(j.sum() for _, j in values.values()) if jacobian else joint

    def log_joint(self, values, arrays):
        """log p(values, data) in nats."""
        with handlers.block():
            seeded = handlers.seed(self.program, UNUSED_KEY)  # for networks, which have their first weights here
            return log_density(seeded, (), {**arrays, **self.static}, values)[0]

    def compile_gradient(self, jacobian=True):
        # one compilation for gradient and curvature: it takes longer than all the calls
        def value_and_grad(vector, arrays):
            return jax.value_and_grad(lambda v: self.log_density(v, arrays, jacobian))(vector)

        def exact(vector, direction, arrays):
            (value, gradient), (_, product) = jax.jvp(lambda v: value_and_grad(v, arrays), (vector,), (direction,))
            return value, gradient, product

        def by_differences(vector, direction, arrays):
            value, gradient = value_and_grad(vector, arrays)
            after, before = (value_and_grad(vector + h * direction, arrays)[1] for h in (STEP, -STEP))
            return value, gradient, (after - before) / (2 * STEP)

        example = jnp.zeros(self.size)
        try:
            lowered = jax.jit(exact).lower(example, example, self.arrays)
        except TypeError as error:
            if "forward-mode" not in str(error):
                raise
            # a function with a rule for backward mode alone, as a solver of differential equations
            lowered = jax.jit(by_differences).lower(example, example, self.arrays)
        compiled = lowered.compile()

        def value_grad_hvp(*point):
            value, *rest = compiled(*(jnp.asarray(p, example.dtype) for p in point), self.arrays)
            return float(value), *(np.asarray(r, float) for r in rest)

        return value_grad_hvp

    @cached_property
    def draw_prior(self):
        # compiled once, for the chains of all seeds
        def draw(key):
            return self.compute_vector({n: s["value"] for n, s in self.latents(key).items()})

        return jax.jit(jax.vmap(draw))

    def prior_vectors(self, seed, count=NUM_START_DRAWS):
        """Draws from the prior, (count, P); of an improper one, normal draws."""
        try:
            return np.asarray(self.draw_prior(jax.random.split(jax.random.PRNGKey(seed), count)), float)
        except NotImplementedError:  # an improper prior
            return np.asarray(jax.random.normal(jax.random.PRNGKey(seed), (count, self.size)), float)

    def prior_median(self, seed):
        try:
            keys = jax.random.split(jax.random.PRNGKey(seed), NUM_PRIOR_DRAWS)
            vector = jnp.median(self.draw_prior(keys), axis=0)
        except NotImplementedError:  # an improper prior
            vector = jax.random.normal(jax.random.PRNGKey(seed), (self.size,))
        return {n: v for n, (v, _) in self.constrain(vector).items()}
