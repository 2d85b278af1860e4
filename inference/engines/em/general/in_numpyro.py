from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import biject_to

from inference.engines.em.general import ascent
from inference.exact.enumeration.in_numpyro import values_along


class Ascent(ascent.Ascent):
    def __init__(self, sum_, weights, objective):
        super().__init__(sum_, weights, objective)
        self._posterior = jax.jit(sum_.posterior)
        self._slope = jax.jit(jax.value_and_grad(self.expected))

    @cached_property
    def frame(self):
        with jax.ensure_compile_time_eval():  # it may be asked for first inside of what is compiled
            draws = jax.vmap(self.flat)(self.sum.prior_draws(200))
            low, middle, high = jnp.quantile(draws, jnp.array([0.25, 0.5, 0.75]), axis=0)
            return middle, jnp.maximum((high - low) / 2, 1e-6)

    def array(self, vector):
        return jnp.asarray(vector, self.weights.dtype)

    def flat(self, params):
        return jnp.concatenate([self.bijection(n).inv(params[n]).reshape(-1) for n in self.sum.supports])

    def bijection(self, name):
        return biject_to(self.sum.supports[name])

    def posterior(self, params):
        return self._posterior(params, self.weights)

    def slope(self, at, joint):
        value, gradient = self._slope(self.array(at), joint)
        return float(value), np.asarray(gradient)

    def chosen(self, labels, K):
        return values_along(jax.nn.one_hot(jnp.asarray(labels), K) * self.weights[:, None], self.sum.variables[0])

    def times(self, weight, log):
        return jnp.where(weight > 0, weight * log, 0.0)

    def hessian(self, params):
        return np.asarray(jax.jit(jax.hessian(self.log_objective))(self.free(params)))
