from copy import copy
from functools import partial

import jax
import jax.numpy as jnp
import numpyro
from jax.core import Tracer
from numpyro import handlers
from numpyro.distributions import constraints
from numpyro.infer import init_to_uniform

from inference.exact.enumeration import density
from inference.exact.enumeration.chains import chain_logs
from inference.exact.enumeration.density import split_steps
from inference.exact.enumeration.elimination import common_scale, elimination_order
from inference.exact.enumeration.loops import find_rows
from inference.exact.enumeration.posteriors.in_numpyro import (
    certain_of,
    draw_label,
    draw_paths,
    posterior_of,
    values_along,
    values_last,
)
from inference.exact.enumeration.sites.in_numpyro import FUNCTIONS, Enumerate, site_plates
from zoo.errors import ZooError

UNUSED_KEY = jax.random.PRNGKey(0)  # for programs in which every site has its value


def is_fitted(site):
    """Whether a site has an array to fit: a latent, or what the program learns without a prior and outside networks."""
    return (site["type"] == "param" and hasattr(site["value"], "shape")) or (
        site["type"] == "sample" and not site["is_observed"]
    )


def support_of(site):
    return site["fn"].support if site["type"] == "sample" else site["kwargs"].get("constraint", constraints.real)


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
