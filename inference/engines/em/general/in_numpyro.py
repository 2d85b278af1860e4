from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import biject_to

from inference.engines.em.general import step


class GeneralStep(step.GeneralStep):
    def __init__(self, density, weights, objective, are_equal=False):
        super().__init__(density, weights, objective, are_equal)
        self._posterior, self._label_posterior = jax.jit(density.posterior), jax.jit(density.label_posterior)
        self.expectation = jax.jit(self.expectation)
        self._value_and_gradient = jax.jit(jax.value_and_grad(self.expected_log_joint))

    @cached_property
    def preconditioner(self):
        with jax.ensure_compile_time_eval():  # its first use may be inside of what is compiled
            draws = jax.vmap(self.flatten)(self.density.prior_draws(200))
            low, median, high = jnp.quantile(draws, jnp.array([0.25, 0.5, 0.75]), axis=0)
            spread = (high - low) / 2  # of what is learned without a prior there is none
            return median, jnp.where(spread > 0, jnp.maximum(spread, 1e-6), 1.0)

    def array(self, vector):
        return jnp.asarray(vector, self.weights.dtype)

    def flatten(self, params):
        return jnp.concatenate([self.bijection(n).inv(params[n]).reshape(-1) for n in self.density.supports])

    def bijection(self, name):
        return biject_to(self.density.supports[name])

    def posterior(self, params):
        return self._posterior(params, self.row_weights)

    def value_and_gradient(self, vector, posterior):
        value, gradient = self._value_and_gradient(self.array(vector), posterior)
        return float(value), np.asarray(gradient)

    def label_posterior(self, params, labels):
        return self._label_posterior(params, jnp.asarray(labels), self.row_weights)

    def multiply(self, weight, log):
        return jnp.where(weight > 0, weight * log, 0.0)

    def hessian(self, params):
        return np.asarray(jax.jit(jax.hessian(self.log_objective))(self.unconstrain(params)))
