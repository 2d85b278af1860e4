import math
from copy import copy
from functools import partial

import jax
import jax.numpy as jnp
import numpyro
from jax.core import Tracer
from numpyro import handlers
from numpyro.distributions import ExpandedDistribution, ImproperUniform, MaskedDistribution, constraints
from numpyro.infer import init_to_uniform
from numpyro.primitives import Messenger

from inference.exact.enumeration import density
from inference.exact.enumeration.chains import (
    IMPOSSIBLE,
    ArrayFunctions,
    chain_logs,
    last_moves,
    moves_last,
    split_states,
    states_factor,
    states_last,
    transitions_factor,
)
from inference.exact.enumeration.density import split_steps
from inference.exact.enumeration.elimination import (
    Factor,
    Plate,
    Variable,
    chain_dims,
    common_scale,
    elimination_order,
)
from inference.exact.enumeration.loops import find_rows, join_loops
from inference.exact.enumeration.loops.in_numpyro import read_scan
from inference.exact.markov.in_numpyro import forward_pass
from zoo._distributions.chain.in_numpyro import Chain
from zoo.errors import ZooError

UNUSED_KEY = jax.random.PRNGKey(0)  # for programs in which every site has its value


def logsumexp(array, dim):
    return jax.nn.logsumexp(array, axis=dim, keepdims=True)


def as_numbers(values, like):
    return jnp.asarray(values, like.dtype)


FUNCTIONS = ArrayFunctions(logsumexp, forward_pass, jnp.moveaxis, jnp.broadcast_to, jnp.concatenate, as_numbers)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and records the sites that depend on one.

    A continuous latent that depends on a discrete one remains, without its density, which is among the factors.
    """

    def __init__(self, program, plate_depth, sampled_sites=()):
        self.plate_depth, self.sampled_sites = plate_depth, sampled_sites
        super().__init__(program)

    def __enter__(self):
        self.sites, self.variables, self.loops, self.dependent = [], [], [], {}
        return super().__enter__()

    def process_message(self, msg):
        if msg["type"] == "control_flow":
            self._read_scan(msg)
        if msg["type"] != "sample" or msg["name"] in self.sampled_sites:
            return
        is_latent = not msg["is_observed"]
        if is_latent and msg["fn"].is_discrete:
            fn = unexpanded(msg["fn"])
            is_chain = isinstance(fn, Chain)
            if not is_chain and not fn.has_enumerate_support:
                raise ZooError(density.infinite_support(msg["name"]))
            dim = self.free_dim
            values = jnp.arange(fn.initial.shape[-1]) if is_chain else fn.enumerate_support(expand=False)
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            self.variables.append(Variable(msg["name"], dim, len(values), site_plates(msg), int(is_chain)))
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif is_latent:
            self.dependent[msg["name"]] = fn = msg["fn"]
            batch_shape = fn.batch_shape[len(fn.batch_shape) - self.plate_depth :]
            msg["fn"] = ImproperUniform(fn.support, batch_shape, fn.event_shape)
            return
        self.sites.append(msg)
        msg["stop"] = True

    def postprocess_message(self, msg):
        if msg.get("name") in self.dependent:  # a scan has no name
            self.dependent[msg["name"]] = site = {**msg, "fn": self.dependent[msg["name"]]}
            self.sites.append(site)

    @property
    def free_dim(self):
        """The first dimension to the left of those in use."""
        return -self.plate_depth - 1 - sum(len(v.dims) for v in self.variables)

    def _read_scan(self, msg):
        """Take a scan with discrete sites out of the program, unless they are sampled."""
        loop, value = read_scan(msg, self.free_dim, site_plates, log_prob_of_values, self.sampled_sites)
        if loop is not None:
            self.loops.append(loop)
            self.variables += loop.variables
            msg["value"], msg["stop"] = value, True

    def factor_graph(self, sites, rows=None):
        """The factors of some sites outside of loops and of all in loops."""
        factors = {n: f for s in sites for n, f in factors_of(s, self.variables).items()}
        return join_loops(factors, self.variables, rows, self.loops, FUNCTIONS)


def is_fitted(site):
    """Whether a site has an array to fit: a latent, or what the program learns without a prior and outside networks."""
    return (site["type"] == "param" and hasattr(site["value"], "shape")) or (
        site["type"] == "sample" and not site["is_observed"]
    )


def support_of(site):
    return site["fn"].support if site["type"] == "sample" else site["kwargs"].get("constraint", constraints.real)


def site_plates(site):
    return frozenset(Plate(f.name, f.dim) for f in site.get("cond_indep_stack", ()))


def factors_of(site, variables):
    """The factors by name of a site that is observed, or one of the ``variables``."""
    name, fn, plates = site["name"], site["fn"], site_plates(site)
    v = next((v for v in variables if v.name == name), None)
    if v is not None and v.is_chain:
        if list(masks_of(fn)):
            raise ZooError(density.masked_chain(name))
        chain = unexpanded(fn)
        states = states_factor(chain.log_states, v.dim, fn.batch_shape, FUNCTIONS)
        transitions = transitions_factor(chain.log_transitions, v.dim, FUNCTIONS)
        return {name: Factor(states, plates), v.transition: Factor(transitions, plates)}
    return {name: Factor(log_prob_of_values(site, None if v is None else v.size), plates)}


def log_prob_of_values(site, size):
    """The log density of a site; of a latent with all its values, which together count once where it is masked."""
    log = site["fn"].log_prob(site["value"])
    if size is not None:
        for mask in masks_of(site["fn"]):
            log = jnp.where(mask, log, -math.log(size))
    return log


def unexpanded(fn):
    """The distribution within masks and expansions; an expansion cannot enumerate vectors, as one-hot ones."""
    while isinstance(fn, ExpandedDistribution | MaskedDistribution):
        fn = fn.base_dist
    return fn


def masks_of(fn):
    """The masks of a distribution, within what expands it."""
    while hasattr(fn, "base_dist"):
        if isinstance(fn, MaskedDistribution):
            yield fn._mask
        fn = fn.base_dist


def plate_depth(program, *args, **keywords):
    """How many dimensions from the right belong to plates and batches: enumeration starts to their left."""
    depth = []

    def run():
        with handlers.block():
            nodes = handlers.trace(with_values(program)).get_trace(*args, **keywords)
        plates = [-f.dim for s in nodes.values() for f in s.get("cond_indep_stack", ())]
        batches = [len(s["fn"].batch_shape) for s in nodes.values() if s["type"] == "sample"]
        depth.append(max(plates + batches, default=0))

    jax.eval_shape(run)  # shapes alone: nothing is computed, and so nothing compiled
    return depth[0]


def with_values(program):
    """The program with a value in the support of every latent: an improper prior has no draws."""
    return handlers.substitute(handlers.seed(program, UNUSED_KEY), substitute_fn=init_to_uniform)


def marginalize(program, sampled_sites=()):
    """The same joint over the other sites, an ordinary program: its discrete sites become one factor.

    sampled_sites: discrete sites that remain.
    """
    depth = []  # of the plates, computed by the first call

    def marginal_program(*args, **keywords):
        if not depth:
            depth.append(plate_depth(program, *args, **keywords))
        enumerated = Enumerate(program, depth[0], sampled_sites)
        enumerated(*args, **keywords)
        if not enumerated.sites and not enumerated.loops:
            return
        graph = enumerated.factor_graph(enumerated.sites)
        scales = [float(s["scale"] or 1.0) for s in enumerated.sites]
        scale = common_scale([*scales, *(s for loop in enumerated.loops for s in loop.scales)])
        numpyro.factor("marginalized", scale * graph.log_marginal(FUNCTIONS)[0])

    marginal_program.__name__ = getattr(program, "__name__", "program")
    return marginal_program


class EnumeratedDensity(density.EnumeratedDensity):
    functions = FUNCTIONS

    def __init__(self, program, keywords, data):
        super().__init__(program, keywords, data)
        self.depth = plate_depth(program, **self.one_row)
        outputs = []

        def run():
            inner = handlers.trace(program)
            enumerated = Enumerate(inner, self.depth)
            with handlers.block():
                with_values(enumerated)(**self.one_row)
            discrete = {v.name for v in enumerated.variables}
            sites = {n: s for n, s in inner.trace.items() if is_fitted(s) and n not in discrete}
            supports = {n: support_of(s) for n, s in sites.items()}
            outputs.append((enumerated.variables, bool(enumerated.loops), supports, {*enumerated.dependent}))
            return {n: s["value"] for n, s in sites.items()}

        with density.at_every_value(program):
            shapes = jax.eval_shape(run)  # shapes alone: nothing is computed, and so nothing compiled
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(outputs[0][2])):
            run()  # a support that depends on values needs the values
        self.variables, self.has_loops, self.supports, self.dependent = outputs[-1]
        self.shapes = {n: shapes[n].shape for n in self.supports}

    def prior_draws(self, count, seed=0):
        def draw(init, key):
            run = handlers.substitute(handlers.seed(self.program, key), substitute_fn=init)
            with handlers.block():
                nodes = handlers.trace(run).get_trace(**self.one_row)
            return {n: nodes[n]["value"] for n in self.supports}

        keys = jax.random.split(jax.random.PRNGKey(seed), count)
        try:
            return jax.jit(jax.vmap(partial(draw, lambda site: None)))(keys)
        except NotImplementedError:  # an improper prior: values in the support
            return jax.jit(jax.vmap(partial(draw, init_to_uniform)))(keys)

    def log_prior(self, params):
        return sum(self._log_priors(params).values(), jnp.zeros(()))

    def _log_priors(self, params, factors=(), inputs=None):
        conditioned = handlers.substitute(handlers.seed(self.program, UNUSED_KEY), data=params)
        with handlers.block():
            nodes = handlers.trace(conditioned).get_trace(**(inputs or self.one_row))
        names = [n for n in params if nodes[n]["type"] == "sample" and n not in self.dependent]
        return {n: nodes[n]["fn"].log_prob(nodes[n]["value"]).sum() for n in [*names, *factors]}

    def log_priors(self, draws, factors=(), inputs=None):
        return self.map_draws(draws, lambda density, params: density._log_priors(params, factors, inputs))

    def factor_graph(self, params):
        inner = handlers.trace(handlers.substitute(self.program, data=params))
        enumerated = Enumerate(inner, self.depth)
        with handlers.block():
            handlers.seed(enumerated, UNUSED_KEY)(**self.data, **self.keywords)
        nodes = [s for s in inner.trace.values() if s["type"] == "sample"]
        rows = find_rows([site_plates(s) for s in nodes], enumerated.loops)
        own, sites = {s["name"]: s for s in enumerated.sites}, []  # discrete sites, and those that depend on one
        for site in nodes:
            if site["is_observed"] or site["name"] in own:
                sites.append(own.get(site["name"], site))
            elif rows in site_plates(site) and site["name"] not in params:
                raise ZooError(density.is_local(site["name"]))
        return enumerated.factor_graph(sites, rows)

    def posterior(self, params, weights=None):
        return posterior_of(self.factor_graph(params), weights)

    def label_posterior(self, params, labels, weights=None):
        v = self.graph_variables[0]
        certain = values_along(certain_of(labels, v), v)
        return posterior_of(self.factor_graph(params).of_labels(v.name, certain), weights)[0]

    def map_draws(self, draws, function):
        """``function(density, draw)`` for every draw; arrays are arguments of what is compiled, not constants in it."""
        inputs = {**self.data, **self.keywords}

        def evaluate(arrays, draws):
            density = copy(self)
            density.data, density.keywords = (
                {n: arrays.get(n, v) for n, v in d.items()} for d in (self.data, self.keywords)
            )
            return jax.lax.map(lambda draw: function(density, draw), draws)

        return jax.jit(evaluate)({n: v for n, v in inputs.items() if isinstance(v, jax.Array)}, draws)

    def log_marginal(self, draws):
        def evaluate(density, params):
            return density.factor_graph(params).log_marginal_by_row(FUNCTIONS)

        return self.map_draws(draws, evaluate)

    def marginals(self, draws):
        def evaluate(density, params):
            joint, _ = density.posterior(params)
            variables = density.graph_variables
            return {v.name: values_last(joint[v.name], v, variables) for v in variables}

        return self.map_draws(draws, evaluate)

    def chain(self, draws, name):
        groups = []

        def evaluate(density, params):
            graph = density.factor_graph(params)
            v = density.find_chain(name)
            states, transitions, group = graph.chain(v, FUNCTIONS)
            groups.append(group)
            return chain_logs(states, transitions, v.plate_dims, FUNCTIONS)

        return self.map_draws(draws, evaluate), groups[0]

    def sample_labels(self, draws, seed):
        def sample(density, draw):
            params, key = draw
            graph = density.factor_graph(params)
            labels = {}
            # z_1, then z_2 given z_1, ...: the marginal of each, those summed out before it summed out
            for v in reversed(elimination_order(graph.variables)):
                if v.name in labels:
                    continue
                key, label_key = jax.random.split(key)
                group = graph.combined_chains(v, FUNCTIONS) if v.is_chain else [v]
                if v.is_chain:
                    labels.update(draw_paths(graph, group, label_key))
                else:
                    labels[v.name] = draw_label(graph, v, label_key)
                graph = graph.add({u.name: values_along(certain_of(labels[u.name], u), u) for u in group})
            return split_steps(labels, graph.variables, 0)

        keys = jax.random.split(jax.random.PRNGKey(seed), len(next(iter(draws.values()))))
        return self.map_draws((draws, keys), sample)


def certain_of(labels, v):
    """The log-density of the values of a discrete site, last, of which only the labels are possible."""
    return IMPOSSIBLE * (1 - jax.nn.one_hot(labels, v.size))


def posterior_of(graph, weights):
    """The gradient of the log marginal with respect to zeros added to the factors; log p by row, or of all rows."""

    def log_marginal(zeros):
        total, by_row = graph.add(zeros).log_marginal(FUNCTIONS, weights)
        return total, total if by_row is None else by_row

    return jax.grad(log_marginal, has_aux=True)({n: jnp.zeros_like(f.log) for n, f in graph.factors.items()})


def marginal(graph, v):
    """p(v | x), plates first and its values last."""

    def log_marginal(zeros):
        return graph.add({v.name: zeros}).log_marginal(FUNCTIONS)[0]

    return values_last(jax.grad(log_marginal)(jnp.zeros_like(graph.factors[v.name].log)), v, graph.variables)


def draw_label(graph, v, key):
    """One draw of a discrete site from its posterior."""
    return jax.random.categorical(key, jnp.log(marginal(graph, v)), axis=-1)


def draw_paths(graph, group, key):
    """One draw of combined chains from their posterior, which is a chain too, whose transitions change with time."""
    v, chains = group[0], [chain_dims(u) for u in group]
    plates = [graph.factors[v.name].log.shape[d] for d in v.plate_dims[:-1]]

    def log_marginal(zeros):
        return graph.add(dict(zip(v.factor_names, zeros, strict=True))).log_marginal(FUNCTIONS)[0]

    zeros = [jnp.zeros(graph.chain_zeros(group, is_moving)) for is_moving in (False, True)]
    states, moves = jax.grad(log_marginal)(zeros)
    p, moves = states_last(states, chains, FUNCTIONS), moves_last(moves, chains, FUNCTIONS)
    (T, K), (S, _) = p.shape[-2:], moves.shape[-2:]
    start, moves = p[..., :1, :].reshape(*plates, 1, K), moves.reshape(*plates, T - 1, S, K)
    norm = moves.sum(-1, keepdims=True)
    moves = jnp.where(norm > 0, moves / jnp.where(norm > 0, norm, 1.0), 1 / K)
    start = start / start.sum(-1, keepdims=True)
    if S > K:
        start = jnp.concatenate([start, jnp.zeros((*plates, 1, S - K))], -1)
        moves = jnp.exp(last_moves(jnp.log(moves), round(math.log(S, K)), FUNCTIONS))
    path = Chain(start, moves, T).sample(key) % K
    return dict(zip([u.name for u in group], split_states(path, [u.size for u in group]), strict=True))


def values_last(joint, v, variables):
    """p(v | x) as (plates, values), from the joint posterior of the values that its factor joins."""
    others = tuple(u.dim for u in variables if u.dim != v.dim and -u.dim <= joint.ndim)
    p = jnp.moveaxis(joint.sum(others, keepdims=True), v.dim, 0)
    p = p.reshape(p.shape[0], *(joint.shape[d] for d in v.plate_dims))
    return jnp.moveaxis(p, 0, -1)


def values_along(array, v):
    """The inverse of ``values_last``: (plates, values) with the values along the dimension of ``v``."""
    sizes = dict(zip(v.plate_dims, array.shape, strict=False))
    shape = (array.shape[-1], *(sizes.get(d, 1) for d in range(v.dim + 1, 0)))
    return jnp.moveaxis(array, -1, 0).reshape(shape)
