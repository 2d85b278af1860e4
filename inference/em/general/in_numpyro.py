import math
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import biject_to

from inference.em.ascent import ascend
from inference.enumeration.in_numpyro import values_along


class Ascent:
    def __init__(self, sum_, weights, objective):
        self.sum, self.weights, self.objective = sum_, weights, objective
        self.posterior = jax.jit(lambda params, weights: sum_.posterior(params, weights))
        self.expected_gradient = jax.jit(jax.value_and_grad(self.expected))

    def step(self, params):
        joint, by_row = self.posterior(params, self.weights)
        return self.maximise(params, joint), (by_row * self.weights).sum()

    def maximise(self, params, joint):
        free = self.free(params)
        found = ascend(
            lambda at: self.expected_gradient(jnp.asarray(at, free.dtype), joint), np.asarray(free, float), self.scale
        )
        return self.constrain(jnp.asarray(found, free.dtype))

    @property
    def scale(self):
        return float(self.weights.sum())

    def expected(self, free, joint):
        params = self.constrain(free)
        total = self.complete(self.sum.factors(params)[0], joint)
        return total + (self.sum.log_prior(params) if self.objective == "map" else 0.0)

    def complete(self, factors, joint):
        """The expected complete-data log-likelihood."""
        # what has no weight may be impossible: 0 times -inf is 0 here
        return sum(jnp.where(joint[n] > 0, joint[n] * f.log, 0.0).sum() for n, f in factors.items())

    def from_labels(self, labels, K):
        params = self.constrain(jnp.zeros_like(self.frame[0]))
        (v,) = self.sum.variables
        r = values_along(jax.nn.one_hot(jnp.asarray(labels), K) * self.weights[:, None], v)
        joint = {
            n: jnp.broadcast_to(r, jnp.broadcast_shapes(r.shape, f.log.shape))
            for n, f in self.sum.factors(params)[0].items()
        }
        return self.maximise(params, joint)

    def free(self, params):
        middle, width = self.frame
        return (self.flat(params) - middle) / width

    def constrain(self, free):
        middle, width = self.frame
        return self.unflat(free * width + middle)

    @cached_property
    def frame(self):
        # quasi-Newton steps want coordinates of like size: those of the prior, whose quartiles become -1 and 1
        with jax.ensure_compile_time_eval():
            draws = jax.vmap(self.flat)(self.sum.prior_draws(200))
            low, middle, high = jnp.quantile(draws, jnp.array([0.25, 0.5, 0.75]), axis=0)
            return middle, jnp.maximum((high - low) / 2, 1e-6)

    def flat(self, params):
        return jnp.concatenate([self.bijection(n).inv(params[n]).reshape(-1) for n in self.sum.supports])

    def unflat(self, vector):
        shapes = {n: self.bijection(n).inverse_shape(s) for n, s in self.sum.shapes.items()}
        parts = jnp.split(vector, np.cumsum([math.prod(s) for s in shapes.values()])[:-1])
        return {n: self.bijection(n)(p.reshape(s)) for p, (n, s) in zip(parts, shapes.items(), strict=True)}

    def bijection(self, name):
        return biject_to(self.sum.supports[name])

    @property
    def parameters(self):
        """How many free numbers the parameters have."""
        return sum(math.prod(self.bijection(n).inverse_shape(s)) for n, s in self.sum.shapes.items())

    def hessian(self, params):
        def objective(free):
            params = self.constrain(free)
            factors, variables, rows = self.sum.factors(params)
            total, _ = self.sum.total(factors, variables, rows, self.weights)
            return total + (self.sum.log_prior(params) if self.objective == "map" else 0.0)

        return np.asarray(jax.jit(jax.hessian(objective))(self.free(params)))

    def entropy(self, params):
        # log p(x) is the expected complete-data log joint and the entropy of the labels
        joint, by_row = self.posterior(params, self.weights)
        return float((by_row * self.weights).sum() - self.complete(self.sum.factors(params)[0], joint))
