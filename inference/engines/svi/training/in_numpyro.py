from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpyro import handlers
from numpyro.distributions import biject_to, constraints

from guides.base import split_coordinates, with_coordinates
from inference.engines.svi.evaluation import Evaluation
from inference.engines.svi.evaluation.in_numpyro import codes, evaluate
from inference.engines.svi.evaluation.terms import join_codes
from inference.engines.svi.guide import check_parameters, check_plates, check_sites
from inference.engines.svi.training import skipping
from inference.objectives import EVALUATION
from inference.objectives.choice import check_estimators
from inference.objectives.in_numpyro import bound, initial_state, relaxed_responses
from inference.objectives.responses import check_responses, has_relaxed
from inference.objectives.sites import is_in_rows
from inference.unconstrained import check_start
from zoo import ZooError
from zoo._backend.in_numpyro import minibatch, to_backend, to_numpy


class Trainer:
    def __init__(self, request, plan, rows, program, guide, inputs):
        self.plan, self.rows, self.program, self.guide = plan, rows, program, guide
        self.objective, self.max_steps = request.options.make_objective(), rows.max_steps
        self.decay, self.rows_name = request.options.weight_average, request.card.dim_names.get("N", "N")
        self.init_key, self.step_key, self.elbo_key = jax.random.split(jax.random.PRNGKey(request.seed), 3)
        # arrays are arguments of what is compiled, everything else is part of it
        self.levels = rows.intensity_levels()
        arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        self.arrays, self.plain = with_coordinates(guide, arrays), {n: v for n, v in inputs.items() if n not in arrays}
        self.has_default_optimiser = request.options.optimizer is None
        self.optimiser = make_optimiser(request.options)
        self.params = self.set_up()
        self.opt_state = strong(jax.jit(self.optimiser.init)(self.params))
        self.average, self.estimators = self.params, strong(self.first_state())
        self.skip_above = request.options.skip_above
        self.skips = strong(skipping.initial_state(jnp)) if self.skip_above else {}
        self.compiled_steps, self.compiled_elbo = jax.jit(self.steps), jax.jit(self.elbo, static_argnames="N")

    def set_up(self):
        """The unconstrained parameters of guide and program before the first step; sets their transforms."""
        self.learned, self.discrete = [], []

        def initialise(key, arrays, batch):
            inputs, (program, guide) = self.step_inputs(arrays, batch, key)
            guide_key, program_key = jax.random.split(key)
            with handlers.block():
                guide_nodes = handlers.trace(handlers.seed(guide, guide_key)).get_trace(**inputs)
                replayed = handlers.replay(handlers.seed(program, program_key), trace=guide_nodes)
                program_nodes = handlers.trace(replayed).get_trace(**inputs)
            check_sites(
                [n for n, s in program_nodes.items() if s["type"] == "sample" and not s["is_observed"]],
                [n for n, s in guide_nodes.items() if s["type"] == "sample" and not is_help(s)],
            )
            if batch:
                own, others = ([n for n, s in nodes.items() if is_local(s)] for nodes in (program_nodes, guide_nodes))
                check_plates(own, others, self.rows_name)
            # a statement of both begins as the guide has it, as in numpyro.infer.SVI
            learned = {n: s for n, s in {**program_nodes, **guide_nodes}.items() if s["type"] == "param"}
            check_parameters(list(learned))
            latents = {n: s for n, s in guide_nodes.items() if s["type"] == "sample" and not s["is_observed"]}
            self.discrete = [n for n, s in latents.items() if s["fn"].is_discrete]
            check_estimators(self.objective, list(latents), self.discrete)
            self.learned = [n for n, s in program_nodes.items() if s["type"] == "param"]
            transforms = {n: biject_to(s["kwargs"].get("constraint", constraints.real)) for n, s in learned.items()}
            params = {n: transforms[n].inv(s["value"]) for n, s in learned.items()}
            # a weak type would compile the steps anew; constraints may depend on data
            return {n: jnp.asarray(v, jnp.result_type(v, jnp.zeros(()).dtype)) for n, v in params.items()}, transforms

        rows = self.plan.batches(0, 1) if self.plan.batch_size else None
        batch = jax.tree.map(lambda v: v[0], self.feed(rows, 1))
        params, self.transforms = jax.jit(initialise)(self.init_key, self.arrays, batch)
        return params

    def first_state(self):
        """The state of the estimators and of the penalty before the first step."""

        def before(function, params, key, arrays, batch):
            inputs, pair = self.step_inputs(arrays, batch, key)
            constrained = {n: self.transforms[n](v) for n, v in params.items()}
            return function(*pair, constrained, key, inputs, self.objective)

        if not (self.objective.estimators or self.objective.penalty):  # those of "auto" have none
            return {}
        rows = self.plan.batches(0, 1) if self.plan.batch_size else None
        batch = jax.tree.map(lambda v: v[0], self.feed(rows, 1))
        moment = self.params, self.init_key, self.arrays, batch
        if has_relaxed(self.objective):
            check_responses(self.objective, jax.jit(partial(before, relaxed_responses))(*moment))
        return jax.jit(partial(before, initial_state))(*moment)

    def feed(self, batches, length):
        """The rows of ``length`` steps, of which ``batches`` has the first, or their data where it is on the host."""
        if batches is None:
            return {}
        rows = self.rows.training[batches]
        data = {"_rows": rows} if self.rows.on_device else self.rows.take(rows)
        return to_backend(
            {n: np.concatenate([v, np.zeros((length - len(v), *v.shape[1:]), v.dtype)]) for n, v in data.items()}
        )

    def step_inputs(self, arrays, batch, key, **sizes):
        """The inputs of one step, and program and guide for its batch."""
        guide, arrays = split_coordinates(self.guide, arrays)
        inputs, pair, table = {**arrays, **self.plain, **sizes}, (self.program, guide), self.rows
        if table.on_device and (batch or len(table.validation)):
            index = batch.get("_rows", table.training)
            inputs |= {n: jnp.take(arrays[n], index, axis=axis) for n, axis in table.axes.items()}
        else:
            inputs |= batch
        if batch:
            index = jnp.arange(len(next(iter(batch.values()))))
            pair = minibatch(self.program, index), minibatch(guide, index)
        return binarise(inputs, self.levels, key), pair

    def bound_of(self, objective, params, key, arrays, batch, *moment, **sizes):
        inputs, pair = self.step_inputs(arrays, batch, key, **sizes)
        constrained = {n: self.transforms[n](v) for n, v in params.items()}
        return bound(objective, *pair, constrained, key, inputs, *moment)

    def steps(self, params, opt_state, average, estimators, skips, first, count, feed, arrays, step_key):
        scale = 1 / self.plan.num_rows  # gradients are those of the bound per row, whatever their number

        def loss(params, key, batch, *moment):
            value, details = self.bound_of(self.objective, params, key, arrays, batch, *moment)
            return -value * scale, details

        def step(carry):
            i, *before, trace, _ = carry
            params, opt_state, average, estimators, skips = before
            index = first + i
            beta = jnp.asarray(self.plan.beta_at(index, jnp.minimum), trace.dtype)
            batch = {n: v[i] for n, v in feed.items()}
            fraction = jnp.asarray(index / self.plan.num_steps, trace.dtype)
            (value, details), slope = jax.value_and_grad(loss, has_aux=True)(
                params, jax.random.fold_in(step_key, index), batch, beta, fraction, estimators
            )
            metrics = jnp.stack([details.metrics[n] for n in (self.objective.metric, "reconstruction", "kl")])
            change, state = self.optimiser.update(slope, opt_state, params)
            rate = 0.0
            if self.has_default_optimiser:  # others have a learning rate of their own
                rate = self.plan.learning_rate_at(index, jnp.minimum)
                change = jax.tree.map(lambda c: -jnp.asarray(rate, c.dtype) * c, change)
            after = optax.apply_updates(params, change)
            after |= {n: self.transforms[n].inv(v).astype(after[n].dtype) for n, v in details.assigned.items()}
            if self.decay:
                d = jnp.minimum(self.decay, (1 + index) / (10 + index))  # so that the first steps soon have no weight
                average = jax.tree.map(lambda a, p: (d * a + (1 - d) * p).astype(a.dtype), average, after)
            now, is_finite = (after, state, average, details.state, skips), jnp.isfinite(value)
            if self.skip_above:
                is_finite &= jnp.isfinite(rate)
                norm = jnp.where(is_finite, optax.tree.norm(slope), jnp.nan)
                is_done, skips = skipping.next_state(skips, norm, self.skip_above, jnp)
                now = jax.tree.map(lambda new, old: jnp.where(is_done, new, old), now, tuple(before))
                now, metrics = (*now[:-1], skips), jnp.where(is_done, metrics, jnp.nan)
                is_finite = skipping.goes_on(skips)
            return i + is_finite, *now, trace.at[i].set(metrics), is_finite

        trace = jnp.zeros((self.max_steps, 3))
        start = params, opt_state, average, estimators, skips
        carry = jnp.zeros((), first.dtype), *start, trace, jnp.array(True)
        end = jax.lax.while_loop(lambda carry: (carry[0] < count) & carry[-1], step, carry)
        return *end[:-1], end[-1] & jnp.isfinite(optax.tree.norm(end[1]))

    def advance(self, first, count):
        feed = self.feed(self.plan.batches(first, count) if self.plan.batch_size else None, self.max_steps)
        start = self.params, self.opt_state, self.average if self.decay else {}, self.estimators, self.skips
        inputs = feed, self.arrays, self.step_key
        done, *end, trace, is_finite = self.compiled_steps(*start, jnp.asarray(first), jnp.asarray(count), *inputs)
        repeated, is_good = count, bool(is_finite)
        while not is_good and repeated:
            # a check of every parameter after every step takes a fifth of the time: the finite steps are repeated
            repeated = min(int(done), repeated - 1)
            done, *end, trace, is_good = self.compiled_steps(*start, jnp.asarray(first), jnp.asarray(repeated), *inputs)
        self.params, self.opt_state, average, self.estimators, self.skips = end
        self.average = average if self.decay else self.params
        return int(done), np.asarray(trace, float)[: int(done)], bool(is_finite)

    def elbo(self, params, key, arrays, batch, N):
        return self.bound_of(EVALUATION, params, key, arrays, batch, N=N)[1].metrics["elbo"] / N

    def elbos(self, rows):
        return np.array([float(v) for v in self.on_parts(self.compiled_elbo, rows)])

    def evaluate(self, rows):
        return Evaluation.mean(self.on_parts(self.compiled(evaluate), rows), len(rows))

    def codes(self, rows):
        return join_codes(self.on_parts(self.compiled(codes), rows))

    def compiled(self, function):
        """``function(program, guide, params, key, inputs)`` as ``on_parts`` calls it, compiled."""

        def of_part(params, key, arrays, batch, N):
            inputs, pair = self.step_inputs(arrays, batch, key, N=N)
            return function(*pair, {n: self.transforms[n](v) for n, v in params.items()}, key, inputs)

        return jax.jit(of_part, static_argnames="N")

    def on_parts(self, function, rows):
        """The value of ``function(params, key, arrays, batch, N=)`` for each part of some rows."""
        parts = self.rows.evaluation_parts(rows)
        for key, part in zip(jax.random.split(self.elbo_key, len(parts)), parts, strict=True):
            batch = to_backend({"_rows": part} if self.rows.on_device else self.rows.take(part))
            yield function(self.average, key, self.arrays, batch, N=len(rows))

    def start_at(self, weights):
        shapes = {n: self.transforms[n].forward_shape(v.shape) for n, v in self.params.items()}
        self.finish_at({**self.weights(), **check_start(weights, shapes)})
        self.params = self.average

    def finish_at(self, weights):
        self.average = jax.jit(lambda w: {n: self.transforms[n].inv(v) for n, v in w.items()})(to_backend(weights))

    def constrained(self):
        return jax.jit(lambda params: {n: self.transforms[n](v) for n, v in params.items()})(self.average)

    def weights(self):
        return to_numpy(self.constrained())

    def latent_means(self, count):
        rows = self.plan.batches(0, 1) if self.plan.batch_size else None

        def add(total, key, arrays, batch, params):
            inputs, (_, guide) = self.step_inputs(arrays, batch, key)
            with handlers.block():
                nodes = handlers.trace(handlers.seed(handlers.substitute(guide, data=params), key)).get_trace(**inputs)
            latents = {n: s for n, s in nodes.items() if s["type"] == "sample" and not is_help(s)}
            values = {n: s["value"] for n, s in latents.items() if not is_in_rows(s)}
            return values if total is None else jax.tree.map(jnp.add, total, values)

        compiled, total = jax.jit(add), None
        batch = {n: v[0] for n, v in self.feed(rows, 1).items()}
        params = self.constrained()
        for key in jax.random.split(self.elbo_key, count):
            total = compiled(total, key, self.arrays, batch, params)
        return {n: v / count for n, v in to_numpy(total).items()}

    def groups(self):
        groups = {"params": self.params, "average": self.average, "opt_state": self.opt_state}
        return {**groups, "estimators": self.estimators, "skips": self.skips}

    def state(self):
        leaves = {group: jax.tree.leaves(part) for group, part in self.groups().items()}
        return {f"{group}/{i}": np.asarray(leaf) for group, part in leaves.items() for i, leaf in enumerate(part)}

    def restore(self, arrays):
        for group, part in self.groups().items():
            leaves, tree = jax.tree.flatten(part)
            restored = [jnp.asarray(arrays[f"{group}/{i}"], leaf.dtype) for i, leaf in enumerate(leaves)]
            setattr(self, group, jax.tree.unflatten(tree, restored))


def binarise(inputs, levels, key):
    """Replace intensities by zeros and ones, drawn anew."""
    for i, (name, level) in enumerate(levels.items()):
        intensity = inputs[name].astype(jnp.zeros(()).dtype) / level
        binary = jax.random.bernoulli(jax.random.fold_in(key, i), intensity)
        inputs[name] = jnp.where(jnp.isnan(intensity), intensity, binary)
    return inputs


def strong(state):
    """A state without weak types: they would compile the steps anew at the second call."""
    return jax.tree.map(lambda v: jnp.asarray(v, v.dtype), state)


def is_local(site):
    """Whether a site is a latent of the rows."""
    return site["type"] == "sample" and not site["is_observed"] and is_in_rows(site)


def is_help(site):
    """Whether a site of the guide is observed, a factor or a help variable."""
    return site["is_observed"] or site["infer"].get("is_auxiliary", False)


def make_optimiser(options):
    """The transformation of gradients; for the default optimiser to directions, still to be multiplied by the rate."""
    optimiser, clip = options.optimizer, options.clip_norm
    if optimiser is None:
        optimiser = optax.scale_by_adam()
        if options.weight_decay:
            optimiser = optax.chain(optimiser, optax.add_decayed_weights(options.weight_decay))
    elif not isinstance(optimiser, optax.GradientTransformation):
        raise ZooError(f"optimizer is an optax GradientTransformation, such as optax.sgd(0.01); given {optimiser!r}")
    elif options.learning_rate_warm_up:
        raise ZooError(
            "learning_rate_warm_up is of the option learning_rate, and an optimizer of optax has a rate of its own: "
            "give it a schedule, as in optax.adam(optax.linear_schedule(0.0, 0.01, 100))"
        )
    return optax.chain(optax.clip_by_global_norm(clip), optimiser) if clip else optimiser
