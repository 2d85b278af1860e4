import math
import warnings
from contextlib import suppress
from functools import cached_property

import pyro
import torch
from pyro import poutine
from pyro.distributions import ImproperUniform, MaskedDistribution, constraints
from pyro.distributions.util import scale_and_mask
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

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
from inference.exact.enumeration.loops.in_pyro import MarkovLoop, active_markov
from inference.exact.markov.in_pyro import forward_pass
from zoo._backend.in_pyro import is_deterministic, param_nodes, sample_nodes, substitute, with_values
from zoo._distributions.chain.in_pyro import Chain
from zoo.errors import ZooError


def logsumexp(array, dim):
    return array.logsumexp(dim, keepdim=True)


def as_numbers(values, like):
    return torch.as_tensor(values).to(like)


MAX_DRAWS_AT_ONCE = 64  # more gain little
VALUES_AT_ONCE = 1_000_000  # of the data, repeated for the draws at once, so that memory is bounded

FUNCTIONS = ArrayFunctions(logsumexp, forward_pass, torch.movedim, torch.broadcast_to, torch.cat, as_numbers)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and records the sites that depend on one.

    A continuous latent that depends on a discrete one remains, without its density, which is among the factors.
    """

    def __init__(self, plate_depth, sampled_sites=()):
        super().__init__()
        self.plate_depth, self.sampled_sites = plate_depth, sampled_sites

    def __enter__(self):
        self.sites, self.labels, self.running, self.dependent = [], [], [], {}
        return super().__enter__()

    @cached_property
    def loops(self):
        """The loops with discrete sites, after the program has run."""
        return [loop.read(site_plates, log_prob) for loop in self.running if loop.dims]

    @cached_property
    def variables(self):
        """The discrete sites, after the program has run."""
        return [*self.labels, *(v for loop in self.loops for v in loop.variables)]

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], _Subsample) or msg["name"] in self.sampled_sites:
            return
        if is_deterministic(msg):
            msg["stop"] = len(msg["fn"].batch_shape) > self.plate_depth  # it has a value for each of a latent
            return
        loop = self._loop()
        at = loop.next_place() if loop else None
        is_latent = not msg["is_observed"]
        if is_latent and msg["fn"].support.is_discrete:
            fn = unmasked(msg["fn"])
            is_chain = isinstance(fn, Chain)
            if not is_chain and not fn.has_enumerate_support:
                raise ZooError(density.infinite_support(msg["name"]))
            dim = -self.plate_depth - 1 - sum(len(v.dims) for v in self.labels) - sum(i.num_dims for i in self.running)
            values = torch.arange(fn.initial.shape[-1]) if is_chain else msg["fn"].enumerate_support(expand=False)
            if loop and not is_chain:
                dim = loop.dim_of(at, len(values), msg["name"], dim)
            else:
                self.labels.append(Variable(msg["name"], dim, len(values), site_plates(msg), int(is_chain)))
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            msg["done"] = True
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif is_latent:
            if loop:
                raise ZooError(density.depends_on_discrete(msg["name"]))
            self.dependent[msg["name"]] = fn = msg["fn"]
            batch_shape = fn.batch_shape[len(fn.batch_shape) - self.plate_depth :]
            msg["fn"] = ImproperUniform(fn.support, batch_shape, fn.event_shape)
            return
        if loop:
            loop.add(at, msg)
        else:
            self.sites.append(msg)
        msg["stop"] = True

    def _pyro_post_sample(self, msg):
        if msg["name"] in self.dependent:
            self.dependent[msg["name"]] = site = {**msg, "fn": self.dependent[msg["name"]]}
            self.sites.append(site)

    def _loop(self):
        """The loop of the site at hand, None outside of loops."""
        messenger = active_markov()
        if messenger is None:
            return None
        if not any(loop.messenger is messenger for loop in self.running):
            self.running.append(MarkovLoop(messenger))
        return next(loop for loop in self.running if loop.messenger is messenger)

    def factor_graph(self, sites, rows=None):
        """The factors of some sites outside of loops and of all in loops."""
        factors = {n: f for s in sites for n, f in factors_of(s, self.variables).items()}
        return join_loops(factors, self.variables, rows, self.loops, FUNCTIONS)

    @property
    def names_in_loops(self):
        """The names of the sites that loops have."""
        return {n for loop in self.loops for site in loop.sites for n in site.steps}


def log_prob(site, size=None):
    """The log density of a site by member of its plates, without what ``poutine.mask`` leaves out.

    size: of a latent with all its values, their number: where it is masked, they count once together.
    """
    log, mask = site["fn"].log_prob(site["value"]), site["mask"]
    if size is None:
        return scale_and_mask(log, mask=mask)
    return log if mask is None else torch.where(torch.as_tensor(mask, device=log.device), log, -math.log(size))


def factors_of(site, variables):
    """The factors by name of a site that is observed, or one of the ``variables``."""
    name, fn, plates = site["name"], site["fn"], site_plates(site)
    v = next((v for v in variables if v.name == name), None)
    if v is None:
        return {name: Factor(log_prob(site), plates)}
    if not v.is_chain:
        return {name: Factor(log_prob(site, v.size), plates)}
    if site["mask"] is not None or unmasked(fn) is not fn:
        raise ZooError(density.masked_chain(name))
    states = states_factor(fn.log_states, v.dim, fn.batch_shape, FUNCTIONS)
    return {
        name: Factor(states, plates),
        v.transition: Factor(transitions_factor(fn.log_transitions, v.dim, FUNCTIONS), plates),
    }


def unmasked(fn):
    """The distribution within masks."""
    while isinstance(fn, MaskedDistribution):
        fn = fn.base_dist
    return fn


def support_of(site):
    return site["fn"].support if site["type"] == "sample" else site["kwargs"].get("constraint", constraints.real)


def site_plates(site):
    return frozenset(Plate(f.name, f.dim) for f in site["cond_indep_stack"])


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


def certain_of(labels, v):
    """The log-density of the values of a discrete site, last, of which only the labels are possible."""
    return IMPOSSIBLE * (1 - torch.nn.functional.one_hot(labels, v.size).to(torch.zeros(())))


def posterior_of(graph, weights):
    """The gradient of the log marginal with respect to zeros added to the factors; log p by row, or of all rows."""
    zeros = {n: torch.zeros_like(f.log, requires_grad=True) for n, f in graph.factors.items()}
    factors = {n: f._replace(log=f.log.detach() + zeros[n]) for n, f in graph.factors.items()}
    log_p, by_row = graph._replace(factors=factors).log_marginal(FUNCTIONS, weights)
    joint = torch.autograd.grad(log_p, list(zeros.values()))
    return dict(zip(zeros, joint, strict=True)), (log_p if by_row is None else by_row).detach()


def marginal(graph, v):
    """p(v | x), plates first and its values last."""
    zeros = torch.zeros_like(graph.factors[v.name].log, requires_grad=True)
    log_p, _ = graph.add({v.name: zeros}).log_marginal(FUNCTIONS)
    return values_last(torch.autograd.grad(log_p, zeros)[0], v, graph.variables)


def draw_label(graph, v):
    """One draw of a discrete site from its posterior."""
    p = marginal(graph, v)
    return torch.multinomial(p.reshape(-1, v.size).clamp_min(0), 1).reshape(p.shape[:-1])


def draw_paths(graph, group):
    """One draw of combined chains from their posterior, which is a chain too, whose transitions change with time."""
    v, chains = group[0], [chain_dims(u) for u in group]
    log = graph.factors[v.name].log
    plates = [log.shape[d] for d in v.plate_dims[:-1]]
    zeros = [torch.zeros(graph.chain_zeros(group, is_moving)).to(log).requires_grad_() for is_moving in (False, True)]
    log_p, _ = graph.add(dict(zip(v.factor_names, zeros, strict=True))).log_marginal(FUNCTIONS)
    states, moves = torch.autograd.grad(log_p, zeros, materialize_grads=True)  # one step has no transitions
    p, moves = states_last(states, chains, FUNCTIONS), moves_last(moves, chains, FUNCTIONS)
    (T, K), (S, _) = p.shape[-2:], moves.shape[-2:]
    start, moves = p[..., :1, :].reshape(*plates, 1, K), moves.reshape(*plates, T - 1, S, K)
    norm = moves.sum(-1, keepdim=True)
    moves = torch.where(norm > 0, moves / torch.where(norm > 0, norm, 1.0), 1 / K)
    start = start / start.sum(-1, keepdim=True)
    if S > K:
        start = torch.cat([start, start.new_zeros((*plates, 1, S - K))], -1)
        moves = last_moves(moves.log(), round(math.log(S, K)), FUNCTIONS).exp()
    path = Chain(start, moves, T).sample() % K
    return dict(zip([u.name for u in group], split_states(path, [u.size for u in group]), strict=True))


def values_last(joint, v, variables):
    """p(v | x) as (plates, values), from the joint posterior of the values that its factor joins."""
    others = tuple(u.dim for u in variables if u.dim != v.dim and -u.dim <= joint.ndim)
    p = (joint.sum(others, keepdim=True) if others else joint).movedim(v.dim, 0)
    return p.reshape(p.shape[0], *(joint.shape[d] for d in v.plate_dims)).movedim(0, -1)


def values_along(array, v):
    """The inverse of ``values_last``: (plates, values) with the values along the dimension of ``v``."""
    sizes = dict(zip(v.plate_dims, array.shape, strict=False))
    return array.movedim(-1, 0).reshape(array.shape[-1], *(sizes.get(d, 1) for d in range(v.dim + 1, 0)))
