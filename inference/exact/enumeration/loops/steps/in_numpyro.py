from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from numpyro import handlers
from numpyro.ops.provenance import eval_provenance
from numpyro.primitives import Messenger

from inference.exact.enumeration import density
from inference.exact.enumeration.loops import MAX_ORDER
from zoo.errors import ZooError

UNUSED_KEY = jax.random.PRNGKey(0)  # for bodies in which every site has its value


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
