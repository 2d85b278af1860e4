import jax
import jax.numpy as jnp
from numpyro.ops.pytree import PytreeTrace

from inference.exact.enumeration.elimination import Variable
from inference.exact.enumeration.loops import Loop, LoopSite
from inference.exact.enumeration.loops.steps.in_numpyro import Memory, Step


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
