import warnings
from contextlib import suppress

import pyro
import torch
from pyro import poutine
from pyro.distributions import constraints

from inference.exact.enumeration import density
from inference.exact.enumeration.chains import chain_logs
from inference.exact.enumeration.density import split_steps
from inference.exact.enumeration.elimination import common_scale, elimination_order
from inference.exact.enumeration.loops import find_rows
from inference.exact.enumeration.posteriors.in_pyro import (
    certain_of,
    draw_label,
    draw_paths,
    posterior_of,
    values_along,
    values_last,
)
from inference.exact.enumeration.sites.in_pyro import FUNCTIONS, Enumerate, log_prob, site_plates
from zoo._backend.in_pyro import param_nodes, sample_nodes, substitute, with_values
from zoo.errors import ZooError

MAX_DRAWS_AT_ONCE = 64  # more gain little


VALUES_AT_ONCE = 1_000_000  # of the data, repeated for the draws at once, so that memory is bounded


def support_of(site):
    return site["fn"].support if site["type"] == "sample" else site["kwargs"].get("constraint", constraints.real)


def plate_depth(program, *args, **keywords):
    """How many dimensions from the right belong to plates and batches: enumeration starts to their left."""
    with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad():
        nodes = poutine.trace(with_values(program)).get_trace(*args, **keywords).nodes
    plates = [-f.dim for s in nodes.values() for f in s.get("cond_indep_stack", ())]
    return max(plates + [len(s["fn"].batch_shape) for s in sample_nodes(nodes).values()], default=0)


def marginalize(program, sampled_sites=()):
    """The same joint over the other sites, an ordinary program: its discrete sites become one factor.

    sampled_sites: discrete sites that remain.
    """
    depth = []  # of the plates, computed by the first call

    def marginal_program(*args, **keywords):
        if not depth:
            depth.append(plate_depth(program, *args, **keywords))
        with Enumerate(depth[0], sampled_sites) as enumerated:
            program(*args, **keywords)
        if not enumerated.sites and not enumerated.loops:
            return
        graph = enumerated.factor_graph(enumerated.sites)
        scales = [float(s["scale"]) for s in enumerated.sites]
        scale = common_scale([*scales, *(s for loop in enumerated.loops for s in loop.scales)])
        pyro.factor("marginalized", scale * graph.log_marginal(FUNCTIONS)[0])

    marginal_program.__name__ = getattr(program, "__name__", "program")
    marginal_program.sums_over_rows = True  # so that samples cannot be a further dimension
    return marginal_program


class EnumeratedDensity(density.EnumeratedDensity):
    functions = FUNCTIONS

    def __init__(self, program, keywords, data):
        super().__init__(program, keywords, data)
        self.depth = plate_depth(program, **self.one_row)
        inner = poutine.trace(with_values(program))
        with (
            density.at_every_value(program),
            poutine.block(),
            torch.random.fork_rng(devices=[]),
            torch.no_grad(),
            Enumerate(self.depth) as enumerated,
        ):
            nodes = inner.get_trace(**self.one_row).nodes
        self.variables, self.has_loops = enumerated.variables, bool(enumerated.loops)
        self.dependent = {*enumerated.dependent}
        discrete = {v.name for v in self.variables} | enumerated.names_in_loops
        latents = {n: s for n, s in sample_nodes(nodes).items() if not s["is_observed"]}
        continuous = {n: s for n, s in {**latents, **param_nodes(nodes)}.items() if n not in discrete}
        self.supports = {n: support_of(s) for n, s in continuous.items()}
        # where the program gives a value, that of a dependent latent has the enumerated dimensions too
        self.shapes = {n: (s["fn"].shape() if n in self.dependent else s["value"].shape) for n, s in continuous.items()}

    def prior_draws(self, count, seed=0):
        def draw():
            try:
                nodes = poutine.trace(self.program).get_trace(**self.one_row).nodes
            except NotImplementedError:  # an improper prior: values in the support
                nodes = poutine.trace(with_values(self.program)).get_trace(**self.one_row).nodes
            return {n: nodes[n]["value"] for n in self.supports}

        with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            return stack([draw() for _ in range(count)])

    def log_prior(self, params):
        return sum(self._log_priors(params).values(), torch.zeros(()))

    def _log_priors(self, params, factors=(), inputs=None):
        with poutine.block(), torch.random.fork_rng(devices=[]):
            nodes = poutine.trace(substitute(self.program, params)).get_trace(**(inputs or self.one_row)).nodes
        names = [n for n in params if nodes[n]["type"] == "sample" and n not in self.dependent]
        return {n: log_prob(nodes[n]).sum() for n in [*names, *factors]}

    def log_priors(self, draws, factors=(), inputs=None):
        return map_draws(lambda params: self._log_priors(params, factors, inputs), draws, self.data)

    def factor_graph(self, params):
        inner = poutine.trace(substitute(self.program, params))
        with poutine.block(), Enumerate(self.depth) as enumerated:
            nodes = inner.get_trace(**self.data, **self.keywords).nodes
        in_loops = enumerated.names_in_loops
        nodes = {n: s for n, s in sample_nodes(nodes).items() if n not in in_loops}
        rows = find_rows([site_plates(s) for s in nodes.values()], enumerated.loops)
        own, sites = {s["name"]: s for s in enumerated.sites}, []  # discrete sites, and those that depend on one
        for name, site in nodes.items():
            if name in own or (name not in params and site["is_observed"]):
                sites.append(own.get(name, site))
            elif rows in site_plates(site) and name not in params:
                raise ZooError(density.is_local(name))
        return enumerated.factor_graph(sites, rows)

    def posterior(self, params, weights=None):
        return posterior_of(self.factor_graph(params), weights)

    def label_posterior(self, params, labels, weights=None):
        v = self.graph_variables[0]
        certain = values_along(certain_of(labels, v), v)
        return posterior_of(self.factor_graph(params).of_labels(v.name, certain), weights)[0]

    def log_marginal(self, draws):
        return map_draws(lambda p: {"": self.factor_graph(p).log_marginal_by_row(FUNCTIONS)}, draws, self.data)[""]

    def marginals(self, draws):
        def evaluate(params):
            joint, _ = self.posterior(params)
            return {v.name: values_last(joint[v.name], v, self.graph_variables) for v in self.graph_variables}

        return stack([evaluate(params) for params in single_draws(draws)])

    def chain(self, draws, name):
        groups = []

        def evaluate(params):
            graph = self.factor_graph(params)
            v = self.find_chain(name)
            states, transitions, group = graph.chain(v, FUNCTIONS)
            groups.append(group)
            return chain_logs(states, transitions, v.plate_dims, FUNCTIONS)

        logs = map_draws(evaluate, draws, self.data)
        return logs, groups[0]

    def sample_labels(self, draws, seed):
        def sample(params):
            graph = self.factor_graph(params)
            labels = {}
            # z_1, then z_2 given z_1, ...: the marginal of each, those summed out before it summed out
            for v in reversed(elimination_order(graph.variables)):
                if v.name in labels:
                    continue
                group = graph.combined_chains(v, FUNCTIONS) if v.is_chain else [v]
                labels.update(draw_paths(graph, group) if v.is_chain else {v.name: draw_label(graph, v)})
                graph = graph.add({u.name: values_along(certain_of(labels[u.name], u), u) for u in group})
            return split_steps(labels, graph.variables, 0)

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return stack([sample(params) for params in single_draws(draws)])


def single_draws(draws):
    for i in range(len(next(iter(draws.values())))):
        yield {n: v[i] for n, v in draws.items()}


def map_draws(function, draws, data):
    """``{name: (draws, ...)}`` from ``function(draw)``, many draws at once where torch can vectorise it.

    A run of a program with little data takes as long for many draws as for one. What torch cannot vectorise raises an
    error, as a loop compiled by numba or a branch on a value do; then there is a run for each draw.
    """
    size = max((v.numel() for v in data.values() if isinstance(v, torch.Tensor)), default=1)
    chunk_size = min(MAX_DRAWS_AT_ONCE, VALUES_AT_ONCE // max(size, 1))
    with torch.no_grad():
        if chunk_size > 1:
            with warnings.catch_warnings(), suppress(Exception):
                warnings.simplefilter("ignore")  # of operations that it repeats
                return torch.vmap(function, randomness="different", chunk_size=chunk_size)(draws)
        return stack([function(draw) for draw in single_draws(draws)])


def stack(values):
    return {n: torch.stack([v[n] for v in values]) for n in values[0]}
