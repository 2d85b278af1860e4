from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from numpyro import handlers
from numpyro.ops.provenance import eval_provenance
from numpyro.ops.pytree import PytreeTrace
from numpyro.primitives import Messenger

from inference.exact.enumeration import density
from inference.exact.enumeration.elimination import Variable
from inference.exact.enumeration.loops import MAX_ORDER, Loop, LoopSite
from zoo.errors import ZooError

UNUSED_KEY = jax.random.PRNGKey(0)  # for bodies in which every site has its value


def read_scan(msg, first_dim, plates_of, log_prob, sampled_sites=()):
    """A scan with discrete sites as a ``Loop``, and the value of its message; None and None for another scan.

    first_dim: the first free dimension of the program. plates_of(site): its plates. log_prob(site, size): its log
    density; size: of a latent, the number of its values. sampled_sites: discrete sites that remain in the program.
    """
    step = Step(msg["args"], msg["kwargs"]["substitute_stack"], plates_of, log_prob, sampled_sites)
    if not step.sizes:
        return None, None
    step.check()
    memory = Memory(step)
    variables, dim = [], first_dim
    for name, size in step.sizes.items():
        variables.append(Variable(name, dim, size, step.plates[name], memory.orders[name], step.name))
        dim -= memory.orders[name] + 1
    runs = Runs(step, memory, variables)
    sites = [LoopSite(n, runs.first.logs[n][..., None], runs.later_log(n), step.plates[n]) for n in step.plates]
    time_dim = -1 - max(len(step.shapes[n]) - step.event_dims[n] for n in step.sizes)
    return Loop(step.name, step.length, variables, sites, step.scales, time_dim), runs.message_value()


class Outputs(NamedTuple):
    """What one step gives: the leaves of the carry and of the outputs, and the log densities by site."""

    carry: list
    outputs: list
    logs: dict


class Step:
    """The body of a scan as a function of leaves, and its sites.

    sizes, shapes, dtypes, event_dims: of the discrete latents, without those that remain in the program, ``sampled``.
    plates, scales: of every sample site.
    """

    def __init__(self, arguments, substitutions, plates_of, log_prob, sampled_sites):
        self.body, init, inputs, length, self.is_reversed = arguments
        self.substitutions, self.plates_of, self.log_prob = substitutions, plates_of, log_prob
        self.inputs, self.input_tree = jax.tree.flatten(jax.tree.map(jnp.asarray, inputs))
        self.length = len(self.inputs[0]) if length is None else length
        self.init, self.carry_tree = jax.tree.flatten(jax.tree.map(jnp.asarray, init))
        self.sizes, self.shapes, self.dtypes, self.event_dims = {}, {}, {}, {}
        self.plates, self.scales, self.continuous, self.sampled = {}, [], [], []
        self.sampled_sites = sampled_sites
        self.plain = jax.eval_shape(partial(self.run, values={}), self.init, self.inputs_at(0), 0)

    @property
    def name(self):
        """The name of the loop, that of its first discrete site."""
        return next(iter(self.sizes))

    def check(self):
        """Raise ZooError for a scan with discrete sites that cannot be summed out."""
        if self.sampled:
            raise ZooError(density.partly_sampled(self.sampled[0], self.name))
        if self.continuous:
            raise ZooError(density.continuous_in_loop(self.continuous[0], self.name))
        if self.is_reversed:
            raise ZooError(f"{self.name} is discrete and in a scan with reverse=True: flip the arrays instead")

    def inputs_at(self, steps):
        """The inputs at one step, or at several, as leaves."""
        return [a[steps] for a in self.inputs]

    def run(self, carry, inputs, index, values):
        """``Outputs`` of one step; values: of the discrete sites, as arrays or as the dimension of all of them.

        A site without either has the first of its values.
        """
        body = self.body
        for kind, data in self.substitutions:
            handler, argument = (
                (handlers.condition, "condition_fn") if kind == "condition" else (handlers.substitute, "substitute_fn")
            )
            body = handler(body, **{argument: partial(value_at_step, data, index)})
        sites = Sites(self, values)
        with handlers.block(), sites:
            carry, outputs = handlers.seed(body, UNUSED_KEY)(
                jax.tree.unflatten(self.carry_tree, carry), jax.tree.unflatten(self.input_tree, inputs)
            )
        leaves, self.output_tree = jax.tree.flatten(outputs)
        return Outputs(jax.tree.leaves(carry), leaves, sites.logs)


def value_at_step(data, index, site):
    """The value that a handler outside of the scan gives a site at a step, None where it gives none."""
    if callable(data):
        return data(site)
    return jnp.asarray(data[site["name"]])[index] if site["name"] in data else None


class Sites(Messenger):
    """Gives the discrete sites of a step their values, and takes the log densities of all."""

    def __init__(self, step, values):
        super().__init__()
        self.step, self.values, self.logs = step, values, {}

    def process_message(self, msg):
        if msg["type"] != "sample":
            return
        step, name, fn = self.step, msg["name"], msg["fn"]
        if not msg["is_observed"] and (not fn.is_discrete or name in step.sampled_sites):
            (step.sampled if fn.is_discrete else step.continuous).append(name)
            return
        if not msg["is_observed"]:
            if not fn.has_enumerate_support:
                raise ZooError(density.infinite_support(name))
            support = fn.enumerate_support(expand=False).reshape(-1, *fn.event_shape)
            value = self.values.get(name)
            if value is None:
                value = jnp.broadcast_to(support[0], fn.shape())
                if name not in step.sizes:
                    step.sizes[name], step.event_dims[name] = len(support), fn.event_dim
                    step.shapes[name], step.dtypes[name] = value.shape, value.dtype
            elif isinstance(value, int):
                value = support.reshape(len(support), *(1,) * (-value - 1), *fn.event_shape)
            msg["value"] = value
        if name not in step.plates:
            step.plates[name] = step.plates_of(msg)
            step.scales.append(float(msg["scale"] or 1.0))
        self.logs[name] = step.log_prob(msg, step.sizes.get(name))
        msg["stop"] = True


class Memory:
    """For how many steps the leaves of the carry remember each discrete site, by the provenance of each leaf.

    orders: of the sites as chains, 0 of labels of single steps. is_constant: by site, whether its log density is equal
    at every step but the first. leaves, outputs: what each leaf of the carry, and each output, depends on, as (site,
    lag).
    """

    def __init__(self, step):
        carry, inputs = range(len(step.init)), range(len(step.inputs))

        def run(index, **arrays):
            values = {n: arrays[f"site {n}"] for n in step.sizes}
            leaves = [arrays[f"carry {i}"] for i in carry], [arrays[f"input {i}"] for i in inputs]
            return step.run(*leaves, index, values)

        arrays = {f"carry {i}": a for i, a in enumerate(step.init)}
        arrays |= {f"input {i}": a for i, a in enumerate(step.inputs_at(0))}
        arrays |= {f"site {n}": jnp.zeros(step.shapes[n], step.dtypes[n]) for n in step.sizes}
        origin = eval_provenance(run, index=jnp.zeros((), int), **arrays)
        self.leaves = [frozenset()] * len(step.init)
        for _ in range(MAX_ORDER + 1):
            self.leaves = [self._memory(o, 1) for o in origin.carry]
        if any(lag > MAX_ORDER for leaf in self.leaves for _, lag in leaf):
            raise ZooError(density.unbounded_memory(step.name, MAX_ORDER))
        logs = {n: self._memory(o, 0) for n, o in origin.logs.items()}
        self.outputs = [self._memory(o, 0) for o in origin.outputs]
        self.orders = dict.fromkeys(step.sizes, 0)
        for memory in [*logs.values(), *self.outputs]:
            for name, lag in memory:
                self.orders[name] = max(self.orders[name], lag)
        for memory in logs.values():  # a label that decides on transitions is a part of the chain
            if any(lag for _, lag in memory):
                self.orders |= {n: max(self.orders[n], 1) for n, _ in memory}
        changing = {f"carry {i}" for i, leaf in enumerate(self.leaves) if not leaf}
        changing |= {"index", *(f"input {i}" for i in inputs)}
        self.is_constant = {n: not (o & changing) for n, o in origin.logs.items()}

    def _memory(self, origin, lag):
        """What depends on the sites and carry of ``origin``; lag: 1 of the next carry, 0 of the step at hand."""
        own = {(o.removeprefix("site "), lag) for o in origin if o.startswith("site ")}
        numbers = [int(o.removeprefix("carry ")) for o in origin if o.startswith("carry ")]
        carried = {leaf for i in numbers for leaf in self.leaves[i]}
        return frozenset((n, min(k, MAX_ORDER + 1)) for n, k in own | {(n, k + lag) for n, k in carried})


class Runs:
    """The steps of a scan with every value of its discrete sites at once: the first ones, and the others together."""

    def __init__(self, step, memory, variables):
        self.step, self.memory, self.variables = step, memory, variables
        self.order = max(1, *memory.orders.values())
        T, H = step.length, self.order
        self.beginning = [self.after(t, step.init, step.inputs, 0) for t in range(min(H, T))]
        self.first = self.beginning[0]
        if T > H:
            windows = [step.inputs_at(slice(s, T - H + s)) for s in range(H + 1)]
            starts, steps = self.unremembered_carries(T - H), jnp.arange(T - H)
            self.rest = jax.vmap(lambda *a: self.after_window(*a))(starts, windows, steps)
            at_first = lambda tree: jax.tree.map(lambda a: a[0], tree)  # noqa: E731
            self.constant = self.after_window(at_first(starts), at_first(windows), steps[0])

    def values(self, lag):
        """The dimensions of the values of the sites at some steps before."""
        return {v.name: v.dim - lag for v in self.variables if lag <= v.order}

    def after(self, count, carry, inputs, start):
        """The step after ``count`` others."""
        for s in range(count):
            values = self.values(count - s)
            carry = self.step.run(carry, [a[s] for a in inputs], start + s, values).carry
        return self.step.run(carry, [a[count] for a in inputs], start + count, self.values(0))

    def after_window(self, start, window, index):
        """The step after as many others as the chain remembers, from what the carry has that is not remembered."""
        rest = iter(start)
        carry = [a if leaf else next(rest) for a, leaf in zip(self.step.init, self.memory.leaves, strict=True)]
        return self.after(self.order, carry, [list(a) for a in zip(*window, strict=True)], index)

    def unremembered_carries(self, count):
        """The leaves of the carry that depend on no discrete site, before each of ``count`` steps."""
        step, is_plain = self.step, [not leaf for leaf in self.memory.leaves]
        plain = [a for a, is_one in zip(step.plain.carry, is_plain, strict=True) if is_one]
        first = [a for a, is_one in zip(step.init, is_plain, strict=True) if is_one]
        if not plain:
            return []
        first = [jnp.broadcast_to(a, p.shape).astype(p.dtype) for a, p in zip(first, plain, strict=True)]

        def advance(carry, inputs):
            rest, (index, *inputs) = iter(carry), inputs
            full = [next(rest) if is_one else a for a, is_one in zip(step.init, is_plain, strict=True)]
            after = step.run(full, inputs, index, {}).carry
            return [a for a, is_one in zip(after, is_plain, strict=True) if is_one], carry

        return jax.lax.scan(advance, first, [jnp.arange(count), *step.inputs_at(slice(count))])[1]

    def later_log(self, name):
        """The log density of a site at the steps after the first, along the last dimension."""
        logs = [run.logs[name][..., None] for run in self.beginning[1:]]
        if self.step.length > self.order:
            is_constant = self.memory.is_constant[name]
            log = self.constant.logs[name][..., None] if is_constant else jnp.moveaxis(self.rest.logs[name], 0, -1)
            if logs and is_constant:
                log = jnp.broadcast_to(log, (*log.shape[:-1], self.step.length - self.order))
            logs.append(log)
        if not logs:
            return jnp.zeros(1)
        shape = jnp.broadcast_shapes(*(log.shape[:-1] for log in logs))
        return jnp.concatenate([jnp.broadcast_to(log, (*shape, log.shape[-1])) for log in logs], -1)

    def message_value(self):
        """The value of the message of the scan; outputs have time where a plain run has it."""
        step, last = self.step, self.beginning[-1]
        if step.length > self.order:
            last = jax.tree.map(lambda a: a[-1], self.rest)
        outputs = [self.output(i) for i in range(len(step.plain.outputs))]
        carry = jax.tree.unflatten(step.carry_tree, last.carry)
        return (step.length, None, carry), (PytreeTrace({}), jax.tree.unflatten(step.output_tree, outputs))

    def output(self, i):
        """One output at every step; what depends on discrete sites has their dimensions, too."""
        parts = [run.outputs[i][None] for run in self.beginning]
        if self.step.length > self.order:
            parts.append(self.rest.outputs[i])
        shape = jnp.broadcast_shapes(*(a.shape[1:] for a in parts))
        output = jnp.concatenate([jnp.broadcast_to(a, (len(a), *shape)) for a in parts])
        if not self.memory.outputs[i]:
            return output
        axis = -len(self.step.plain.outputs[i].shape) - 1
        return jnp.moveaxis(jnp.squeeze(output, axis), 0, axis)
