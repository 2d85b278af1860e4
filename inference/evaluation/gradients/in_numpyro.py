import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from inference.engines.svi.guide import run_guide
from inference.engines.svi.in_numpyro import sites_of
from inference.engines.svi.training.in_numpyro import Trainer
from inference.evaluation.gradients import assignments
from inference.evaluation.gradients.moments import STATE_STEPS, GradientDraws
from inference.exact.enumeration.in_numpyro import marginalize
from inference.objectives import Objective
from inference.objectives.choice import choose_estimators
from inference.objectives.estimators import in_numpyro as functions
from inference.objectives.in_numpyro import BoundDraws, bound, first_run
from inference.objectives.runs.in_numpyro import traced
from zoo._backend.in_numpyro import to_backend

CHUNK_NUMBERS = 1 << 20  # observed values and parameters in memory at a time, over the draws that are mapped at once

NEXT_TO_ZERO = 1e-7


class GradientSampler:
    def __init__(self, problem):
        self.problem, request, rows = problem, problem.request, problem.rows
        inputs = {**to_backend(request.keywords), **to_backend(rows.device_table)}
        program, guide = problem.program_and_guide(inputs, sites_of, marginalize)
        self.trainer = run_guide(request, lambda: Trainer(request, problem.plan, rows, program, guide, inputs))
        if problem.weights is not None:
            self.trainer.start_at(problem.weights)
        # derivatives by a logit of exactly 0, where many begin, are wrong in NumPyro's Bernoulli
        self.params = jax.tree.map(lambda v: jnp.where(v == 0, NEXT_TO_ZERO, v), self.trainer.params)
        self.key = jax.random.PRNGKey(request.seed)
        self.moment = problem.beta, problem.fraction
        self.names = sorted(self.params)  # the order in which a dict becomes a vector
        self.sizes = [self.params[n].size for n in self.names]
        batch = rows.training[problem.plan.batches(0, 1)] if problem.plan.batch_size else None
        self.batch = {} if batch is None else to_backend({"_rows": batch[0]})

    def step(self, params, arrays, batch, key):
        """Program, guide, constrained parameters and inputs of one evaluation."""
        inputs, pair = self.trainer.step_inputs(arrays, batch, key)
        return *pair, {n: self.trainer.transforms[n](v) for n, v in params.items()}, inputs

    def choose(self, objective):
        """The estimator of each drawn site, and the number of values that are enumerated; raises ZooError."""

        def run(params, arrays, batch, key):
            _, guide, constrained, inputs = self.step(params, arrays, batch, key)
            run = first_run(guide, constrained, key, inputs, objective)
            chosen.update(choose_estimators(objective, run.latents, run.enumerated, functions.kind_of))
            sizes.extend(len(run.latents[n]["value"]) for n in run.enumerated)
            return self.bound(objective, params, arrays, batch, key, {})[0]

        chosen, sizes = {}, []
        jax.eval_shape(run, self.params, self.trainer.arrays, self.batch, self.key)
        return chosen, int(np.prod(sizes))

    def draw(self, objective, batches, size, seed):
        """Draws of the gradient by an objective's estimators."""
        state = self.stationary_state(objective)

        def value(params, arrays, batch, key):
            return self.bound(objective, params, arrays, batch, key, state)[0]

        return self.repeat(jax.grad(value), batches, size, seed, cost=objective.num_particles)

    def bound(self, objective, params, arrays, batch, key, state):
        """The value to maximise, and its details."""
        program, guide, constrained, inputs = self.step(params, arrays, batch, key)
        return bound(objective, program, guide, constrained, key, inputs, *self.moment, state)

    def stationary_state(self, objective):
        """The state of the estimators after steps at these parameters; empty where they have none."""

        def advance(state, key, arrays, batch):
            return self.bound(objective, self.params, arrays, batch, key, state)[1].state

        def run(keys, arrays, batch):
            first = advance({}, keys[0], arrays, batch)
            return jax.lax.scan(lambda state, key: (advance(state, key, arrays, batch), None), first, keys[1:])[0]

        if not jax.tree.leaves(jax.eval_shape(advance, {}, self.key, self.trainer.arrays, self.batch)):
            return {}
        return jax.jit(run)(jax.random.split(self.key, STATE_STEPS), self.trainer.arrays, self.batch)

    def repeat(self, gradient, batches, size, seed, cost):
        """Draws of a gradient that is a function of params, arrays, batch and key."""
        values = sum(np.size(v) for v in self.problem.rows.device_table.values())
        limit = max(1, CHUNK_NUMBERS // (cost * values + sum(self.sizes)))
        chunk = max(d for d in range(1, size + 1) if size % d == 0 and d <= limit)

        def one_batch(keys, arrays, batch):
            def add(carry, chunk_keys):
                count, mean, squares = carry
                slopes = jax.vmap(lambda key: self.per_row(gradient(self.params, arrays, batch, key)))(chunk_keys)
                of_chunk = slopes.mean(0)
                difference, total = of_chunk - mean, count + chunk
                squares += ((slopes - of_chunk) ** 2).sum(0) + difference**2 * count * chunk / total
                return (total, mean + difference * chunk / total, squares), None

            zeros = jnp.zeros(sum(self.sizes))
            keys = keys.reshape(-1, chunk, *keys.shape[1:])
            return jax.lax.scan(add, (0, zeros, zeros), keys)[0][1:]

        keys = jax.random.split(jax.random.PRNGKey(seed), batches * size).reshape(batches, size, -1)
        compiled = jax.jit(one_batch).lower(keys[0], self.trainer.arrays, self.batch).compile()
        means, squares, seconds = [], [], []
        for batch_keys in keys:
            begin = time.perf_counter()
            mean, square = jax.block_until_ready(compiled(batch_keys, self.trainer.arrays, self.batch))
            seconds.append(time.perf_counter() - begin)
            means.append(np.asarray(mean, float))
            squares.append([part.sum() for part in np.split(np.asarray(square, float), np.cumsum(self.sizes)[:-1])])
        return GradientDraws(np.array(means), np.array(squares), size, float(np.median(seconds)) / size)

    def per_row(self, slopes):
        """The gradient of the objective per row, as a vector."""
        return ravel_pytree(slopes)[0] / self.problem.plan.num_rows

    def discrete_latents(self):
        """The discrete latents of the guide, None where values cannot be listed; and whether all latents are."""

        def run(params, arrays, batch, key):
            _, guide, constrained, inputs = self.step(params, arrays, batch, key)
            sites = traced(guide, constrained, key, inputs).latents
            bases = {n: functions.within(s["fn"]) for n, s in sites.items()}
            discrete = [n for n, s in sites.items() if s["fn"].support.is_discrete]
            facts.update(
                are_finite=all(assignments.has_finite_support(bases[n]) for n in discrete),
                are_all=len(discrete) == len(sites),
            )
            if facts["are_finite"]:
                facts["latents"] = [assignments.DiscreteLatent.from_site(sites[n], bases[n]) for n in discrete]
                return {n: assignments.support_of(bases[n]) for n in discrete}
            return {}

        facts = {}
        self.supports = jax.jit(run)(self.params, self.trainer.arrays, self.batch, self.key)
        return facts.get("latents"), facts["are_all"]

    def enumerate(self, latents, batches, size, seed):
        """Draws of the gradient of the ELBO with its discrete latents summed out."""
        digits = jnp.asarray(assignments.list_assignments(latents))

        def term(params, arrays, batch, key, one):
            program, guide, constrained, inputs = self.step(params, arrays, batch, key)
            parts = assignments.split_digits(latents, one)
            values = {v.name: v.value(self.supports[v.name], parts[v.name], jnp.broadcast_to) for v in latents}
            run = traced(guide, {**constrained, **values}, key, inputs)
            pair = BoundDraws(program, guide, constrained, key, inputs, Objective(), run)
            return assignments.assignment_term(pair, run, latents, self.problem.beta)

        def gradient(params, arrays, batch, key):
            def add(total, one):
                return jax.tree.map(jnp.add, total, jax.grad(term)(params, arrays, batch, key, one)), None

            return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), digits)[0]

        return self.repeat(gradient, batches, size, seed, cost=1)
