from typing import Any

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from numpyro.distributions import kl_divergence

from inference.objectives import BoundDetails, BoundTerms, bounds, codes, draws, estimated, groups, refusals
from inference.objectives.discrete_values import DiscreteValues
from inference.objectives.estimators import in_numpyro as functions
from inference.objectives.estimators.in_numpyro import log_mean_exp
from inference.objectives.responses import NUM_DRAWS, responses
from inference.objectives.runs.in_numpyro import TracedPair, traced
from inference.objectives.supports import Binary

ARRAYS: Any = functions
BINARY = Binary(ARRAYS)


def bound(objective, program, guide, params, key, inputs, beta=1.0, fraction=1.0, state=None):
    first = first_run(guide, params, key, inputs, objective)
    if first.draws_discrete:
        return estimated_bound(objective, program, guide, params, key, inputs, beta, fraction, state or {}, first)
    pair = BoundDraws(program, guide, params, key, inputs, objective, first)
    if objective.gradient == "doubly_reparameterised" and objective.num_particles > 1:
        values = pair.values()  # once: the compiler merges what is computed twice from the same values
        shares = jax.nn.softmax(bounds.log_weights(pair.all_terms(values), beta), axis=0)
        terms = pair.all_terms(values, stop_gradient(bounds.doubly_weights(shares, beta)))
    else:
        terms = pair.all_terms()
    split = bounds.reconstruction_and_kl(terms)
    metrics = bounds.metrics(objective, terms, split, log_mean_exp)
    if objective.penalty:
        inputs = codes.penalty_inputs(objective, first, terms, fraction, state or {}, key, functions)
        value = bounds.value(objective, terms, bounds.penalise(objective, terms, split, inputs), beta, log_mean_exp)
        metrics["objective"] = value - terms.extra
        after = codes.next_penalty_state(objective, inputs, functions)
        return value, stop_gradient(BoundDetails(metrics, first.assigned, after))
    weighted = groups.count_kl(objective, terms, split, fraction, functions) if objective.has_groups else split
    value = bounds.value(objective, terms, weighted, beta, log_mean_exp)
    return value, stop_gradient(BoundDetails(metrics, first.assigned, {}))


def terms(program, guide, params, key, inputs, objective):
    first = first_run(guide, params, key, inputs, objective)
    if first.draws_discrete:
        pair = EstimatedDraws(program, guide, params, inputs, objective, first, key=key)
        return pair.bound_terms(pair.draw_times(key))
    return BoundDraws(program, guide, params, key, inputs, objective, first).all_terms()


def estimated_bound(objective, program, guide, params, key, inputs, beta, fraction, state, first):
    pair = EstimatedDraws(program, guide, params, inputs, objective, first, beta, fraction, state, key=key)
    draws = pair.draw_times(key)
    terms = pair.bound_terms(draws)
    split = bounds.reconstruction_and_kl(terms)
    value = bounds.value(objective, terms, split, beta, log_mean_exp)
    metrics = bounds.metrics(objective, terms, split, log_mean_exp)
    return value + pair.surrogate(draws), stop_gradient(BoundDetails(metrics, first.assigned, pair.next_state(draws)))


def initial_state(program, guide, params, key, inputs, objective):
    first = first_run(guide, params, key, inputs, objective)
    if objective.penalty:
        refusals.check_draws(objective, first.latents, first.enumerated)
        return codes.initial_penalty_state(objective, first, key, functions)
    if not first.draws_discrete:
        return {}
    pair = EstimatedDraws(program, guide, params, inputs, objective, first, key=key)
    return pair.initial_state(pair.draw_times(key))


def relaxed_responses(program, guide, params, key, inputs, objective):
    first = first_run(guide, params, key, inputs, objective)
    draws = EstimatedDraws(program, guide, params, inputs, objective, first, key=key)
    keys = jnp.stack([functions.next_key(key, i) for i in range(NUM_DRAWS)])
    return jax.tree.map(jnp.max, jax.vmap(lambda key: responses(draws, key))(keys))


def first_run(guide, params, key, inputs, objective):
    return traced(guide, params, jax.random.split(key)[0], inputs, DiscreteValues(objective, functions, key=key))


class Differentiable(TracedPair, draws.BoundDraws):
    """What draws in training need of JAX."""

    def log_probability(self, distribution, value):
        if functions.kind_of(distribution) == "binary":  # the library's derivative is wrong at a logit of exactly 0
            return BINARY.log_prob(functions.logits_of(distribution), value)
        return functions.within(distribution).log_prob(value)

    def formula(self, q, p):
        return kl_divergence(q, p)

    def with_weight(self, value, weight, site):
        weight = self.align_weight(weight, site)
        shape = jnp.broadcast_shapes(value.shape, weight.shape)
        return weigh_gradient(jnp.broadcast_to(value, shape), weight)

    def stack_last(self, arrays):
        return jnp.stack(arrays, axis=-1)

    def detach(self, value):
        return stop_gradient(value)

    def exp(self, array):
        return jnp.exp(array)

    def where(self, condition, array):
        return jnp.where(condition, array, 0.0)


class EstimatedDraws(estimated.EstimatedDraws, Differentiable):
    functions = functions

    def __init__(self, program, guide, params, inputs, objective, first, *moment, **rest):
        self.params = params
        super().__init__(program, guide, inputs, objective, first, *moment, **rest)

    def draw_times(self, key):
        return jax.vmap(self.draw_all)(jax.random.split(key, self.num_draws))

    def freeze(self):
        self.params = stop_gradient(self.params)

    def draw_run(self, key, values):
        sites_key, uniform_key = jax.random.split(key)
        return traced(self.guide, {**self.params, **values}, sites_key, self.inputs, self.fill_with(uniform_key))


class BoundDraws(Differentiable):
    def __init__(self, program, guide, params, key, inputs, objective, first):
        self.params, self.first = params, first
        super().__init__(program, guide, inputs, objective, first)
        self.keys = jax.random.split(jax.random.split(key)[1], objective.num_particles)

    def draw(self, key, values):
        return traced(self.guide, {**self.params, **self.fixed, **values}, key, self.inputs)

    def values(self):
        """The K draws of the latents that are drawn K times."""
        return jax.vmap(lambda key: {n: self.draw(key, {}).sites[n]["value"] for n in self.sampled_latents})(self.keys)

    def all_terms(self, values=None, weights=None):
        """The terms of K draws, or of ``values``; ``weights``, (K, [E,] B) or (K,), multiply the gradients of each."""
        if self.objective.num_particles == 1:
            rows, rest = self.terms(self.first)
            rows = jax.tree.map(lambda a: a[None], rows)
            rest = rest if self.has_local_latents else jax.tree.map(lambda a: a[None], rest)
        else:
            # rows can be weighed by themselves if what is outside of them is the same for all draws
            is_shared = self.has_local_latents and self.objective.name == "iwae"
            terms = jax.vmap(
                lambda key, values, weight: self.terms(self.draw(key, values), weight),
                out_axes=(0, None if is_shared else 0),
            )
            try:
                rows, rest = terms(self.keys, values or {}, weights)
            except ValueError as error:
                if "out_axes" in str(error):
                    raise refusals.dependent_rows() from None
                raise
            rest = jax.tree.map(jnp.mean, rest) if self.has_local_latents else rest
        extra = rows.pop("extra").mean()
        return BoundTerms(**rows, **rest, extra=extra, scale=self.scale, group_sizes=self.group_sizes)


@jax.custom_vjp
def weigh_gradient(value, weight):
    return value


weigh_gradient.defvjp(
    lambda value, weight: (value, weight), lambda weight, slope: (weight * slope, jnp.zeros_like(weight))
)
