import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpyro import handlers
from numpyro.distributions import biject_to, constraints

from inference.engines.svi.guide import check_parameters, check_sites
from inference.objectives import Objective
from inference.objectives.in_numpyro import bound
from inference.unconstrained import check_start
from zoo import ZooError
from zoo._backend.in_numpyro import minibatch, to_backend, to_numpy


class Trainer:
    def __init__(self, request, plan, rows, program, guide, inputs):
        self.plan, self.rows, self.program, self.guide = plan, rows, program, guide
        self.objective, self.most = request.options.make_objective(), rows.most
        self.decay = request.options.weight_average
        self.for_init, self.for_steps, self.for_looks = jax.random.split(jax.random.PRNGKey(request.seed), 3)
        # arrays are arguments of what is compiled, everything else is part of it
        self.levels = rows.levels()
        self.arrays = {n: v for n, v in inputs.items() if isinstance(v, jax.Array)}
        self.plain = {n: v for n, v in inputs.items() if n not in self.arrays}
        self.optimiser = optimiser(request.options)
        self.params = self.begin()  # as free numbers
        self.opt_state = jax.jit(self.optimiser.init)(self.params)
        self.average = self.params
        self.compiled, self.looked = jax.jit(self.steps), jax.jit(self.elbo, static_argnames="N")

    def begin(self):
        """The parameters of guide and program before the first step, as free numbers."""
        self.transforms, self.learned = {}, []

        def first(key, arrays, some):
            inputs, (program, guide) = self.seen(arrays, some, key)
            for_guide, for_program = jax.random.split(key)
            with handlers.block():
                of_guide = handlers.trace(handlers.seed(guide, for_guide)).get_trace(**inputs)
                replayed = handlers.replay(handlers.seed(program, for_program), trace=of_guide)
                of_program = handlers.trace(replayed).get_trace(**inputs)
            check_sites(
                [n for n, s in of_program.items() if s["type"] == "sample" and not s["is_observed"]],
                [n for n, s in of_guide.items() if s["type"] == "sample" and not helps(s)],
            )
            learned = {n: s for n, s in {**of_guide, **of_program}.items() if s["type"] == "param"}
            check_parameters(list(learned))
            self.learned = [n for n, s in of_program.items() if s["type"] == "param"]
            self.transforms = {
                n: biject_to(s["kwargs"].get("constraint", constraints.real)) for n, s in learned.items()
            }
            free = {n: self.transforms[n].inv(s["value"]) for n, s in learned.items()}
            return {n: v.astype(v.dtype) for n, v in free.items()}  # a weak type would compile the steps anew

        batch = self.plan.order(0, 1) if self.plan.batch else None
        return jax.jit(first)(self.for_init, self.arrays, jax.tree.map(lambda v: v[0], self.feed(batch, 1)))

    def feed(self, order, length):
        """What ``length`` steps read beside the table: the rows of each, or their data; the first are in ``order``."""
        if order is None:
            return {}
        rows = self.rows.kept[order]
        data = {"_rows": rows} if self.rows.on_device else self.rows.some(rows)
        return to_backend(
            {n: np.concatenate([v, np.zeros((length - len(v), *v.shape[1:]), v.dtype)]) for n, v in data.items()}
        )

    def seen(self, arrays, some, key, **sizes):
        """The inputs of one step, and program and guide as it sees them."""
        inputs, both, table = {**arrays, **self.plain, **sizes}, (self.program, self.guide), self.rows
        if table.on_device and (some or len(table.held)):
            index = some.get("_rows", table.kept)
            inputs |= {n: jnp.take(arrays[n], index, axis=axis) for n, axis in table.axes.items()}
        else:
            inputs |= some
        if some:
            here = jnp.arange(len(next(iter(some.values()))))
            both = minibatch(self.program, here), minibatch(self.guide, here)
        return looked_at(inputs, self.levels, key), both

    def bound_of(self, objective, params, key, arrays, some, beta, **sizes):
        inputs, both = self.seen(arrays, some, key, **sizes)
        constrained = {n: self.transforms[n](v) for n, v in params.items()}
        return bound(objective, *both, constrained, key, inputs, beta)

    def steps(self, params, opt_state, average, begun, count, feed, arrays):
        scale = 1 / self.plan.rows  # gradients are those of the bound per row, whatever their number

        def loss(params, key, some, beta):
            value, said = self.bound_of(self.objective, params, key, arrays, some, beta)
            return -value * scale, jnp.stack([said[self.objective.name], said["reconstruction"], said["kl"]])

        def one(carry):
            i, params, opt_state, average, trace, _ = carry
            step = begun + i
            beta = jnp.asarray(self.plan.beta_at(step, jnp.minimum), trace.dtype)
            some = {n: v[i] for n, v in feed.items()}
            (value, said), slope = jax.value_and_grad(loss, has_aux=True)(
                params, jax.random.fold_in(self.for_steps, step), some, beta
            )
            change, state = self.optimiser.update(slope, opt_state, params)
            after = optax.apply_updates(params, change)
            if self.decay:
                d = jnp.minimum(self.decay, (1 + step) / (10 + step))  # the first steps are soon forgotten
                average = jax.tree.map(lambda a, p: (d * a + (1 - d) * p).astype(a.dtype), average, after)
            good = jnp.isfinite(value)
            return i + good, after, state, average, trace.at[i].set(said), good

        carry = jnp.zeros((), begun.dtype), params, opt_state, average, jnp.zeros((self.most, 3)), jnp.array(True)
        end = jax.lax.while_loop(lambda carry: (carry[0] < count) & carry[-1], one, carry)
        return *end[:-1], end[-1] & jnp.isfinite(optax.tree.norm(end[1]))

    def advance(self, begun, count):
        feed = self.feed(self.plan.order(begun, count) if self.plan.batch else None, self.most)
        start = self.params, self.opt_state, self.average if self.decay else {}
        done, *end, trace, good = self.compiled(*start, jnp.asarray(begun), jnp.asarray(count), feed, self.arrays)
        wanted, fine = count, bool(good)
        while not fine and wanted:
            # to look at every parameter after every step takes a fifth of the time: the good steps are taken again
            wanted = min(int(done), wanted - 1)
            done, *end, trace, fine = self.compiled(*start, jnp.asarray(begun), jnp.asarray(wanted), feed, self.arrays)
        self.params, self.opt_state, average = end
        self.average = average if self.decay else self.params
        return int(done), np.asarray(trace, float)[: int(done)], bool(good)

    def elbo(self, params, key, arrays, some, N):
        return self.bound_of(Objective("elbo"), params, key, arrays, some, 1.0, N=N)[1]["elbo"] / N

    def elbos(self, rows):
        """The ELBO in nats per row of ``rows``, in parts of equal size; by the same draws whenever it is asked."""
        parts = self.rows.in_parts(rows)
        found = []
        for key, part in zip(jax.random.split(self.for_looks, len(parts)), parts, strict=True):
            some = to_backend({"_rows": part} if self.rows.on_device else self.rows.some(part))
            found.append(float(self.looked(self.average, key, self.arrays, some, N=len(rows))))
        return np.array(found)

    def begin_at(self, weights):
        self.adopt(check_start(weights, {n: self.transforms[n].forward_shape(v.shape) for n, v in self.params.items()}))
        self.params = self.average

    def adopt(self, weights):
        self.average = jax.jit(lambda w: {n: self.transforms[n].inv(v) for n, v in w.items()})(to_backend(weights))

    def constrained(self):
        return jax.jit(lambda params: {n: self.transforms[n](v) for n, v in params.items()})(self.average)

    def weights(self):
        return to_numpy(self.constrained())

    def means(self, count):
        batch = self.plan.order(0, 1) if self.plan.batch else None

        def one(total, key, arrays, some, params):
            inputs, (_, guide) = self.seen(arrays, some, key)
            with handlers.block():
                nodes = handlers.trace(handlers.seed(handlers.substitute(guide, data=params), key)).get_trace(**inputs)
            drawn = {n: s for n, s in nodes.items() if s["type"] == "sample" and not helps(s)}
            drawn = {n: s["value"] for n, s in drawn.items() if "N" not in [f.name for f in s["cond_indep_stack"]]}
            return drawn if total is None else jax.tree.map(jnp.add, total, drawn)

        adding, total = jax.jit(one), None
        some = {n: v[0] for n, v in self.feed(batch, 1).items()}
        params = self.constrained()
        for key in jax.random.split(self.for_looks, count):
            total = adding(total, key, self.arrays, some, params)
        return {n: v / count for n, v in to_numpy(total).items()}

    def parts(self):
        return {"params": self.params, "average": self.average, "opt_state": self.opt_state}

    def state(self):
        leaves = {group: jax.tree.leaves(part) for group, part in self.parts().items()}
        return {f"{group}/{i}": np.asarray(leaf) for group, part in leaves.items() for i, leaf in enumerate(part)}

    def restore(self, arrays):
        for group, part in self.parts().items():
            leaves, tree = jax.tree.flatten(part)
            kept = [jnp.asarray(arrays[f"{group}/{i}"], leaf.dtype) for i, leaf in enumerate(leaves)]
            setattr(self, group, jax.tree.unflatten(tree, kept))


def looked_at(inputs, levels, key):
    """Intensities as zeros and ones, drawn anew."""
    for i, (name, most) in enumerate(levels.items()):
        intensity = inputs[name].astype(jnp.zeros(()).dtype) / most
        drawn = jax.random.bernoulli(jax.random.fold_in(key, i), intensity)
        inputs[name] = jnp.where(jnp.isnan(intensity), intensity, drawn)
    return inputs


def helps(site):
    return site["is_observed"] or site["infer"].get("is_auxiliary", False)


def optimiser(options):
    given, clip = options.optimizer, options.clip_norm
    if given is None:
        given = optax.adam(options.learning_rate)
    elif not isinstance(given, optax.GradientTransformation):
        raise ZooError(f"optimizer is an optax GradientTransformation, such as optax.sgd(0.01); given {given!r}")
    return optax.chain(optax.clip_by_global_norm(clip), given) if clip else given
