import math

import pyro
import torch
from pyro import poutine
from pyro.distributions import constraints
from pyro.distributions.util import scale_and_mask
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

from inference.exact.enumeration import density
from inference.exact.enumeration.elimination import Factor, FactorGraph, Plate, Variable, common_scale, eliminate
from zoo._backend.in_pyro import is_deterministic, param_nodes, sample_nodes, substitute, with_values
from zoo.errors import ZooError


def logsumexp(array, dim):
    return array.logsumexp(dim, keepdim=True)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and records the sites that depend on one."""

    def __init__(self, plate_depth, sampled_sites=()):
        super().__init__()
        self.plate_depth, self.sampled_sites = plate_depth, sampled_sites

    def __enter__(self):
        self.sites, self.variables = [], []
        return super().__enter__()

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], _Subsample) or msg["name"] in self.sampled_sites:
            return
        if is_deterministic(msg):
            msg["stop"] = len(msg["fn"].batch_shape) > self.plate_depth  # it has a value for each of a latent
            return
        is_latent = not msg["is_observed"]
        if is_latent and msg["fn"].support.is_discrete:
            if not msg["fn"].has_enumerate_support:
                raise ZooError(density.infinite_support(msg["name"]))
            dim = -self.plate_depth - 1 - len(self.variables)
            values = msg["fn"].enumerate_support(expand=False)
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            msg["done"] = True
            self.variables.append(Variable(msg["name"], dim, len(values), site_plates(msg)))
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif is_latent:
            raise ZooError(density.depends_on_discrete(msg["name"]))
        self.sites.append(msg)
        msg["stop"] = True


def log_prob(site):
    """The log density of a site by member of its plates, without what ``poutine.mask`` leaves out."""
    return scale_and_mask(site["fn"].log_prob(site["value"]), mask=site["mask"])


def log_prob_of_values(site, size):
    """The log density of each of the values of a discrete latent, which together count once where it is masked."""
    log, mask = site["fn"].log_prob(site["value"]), site["mask"]
    return log if mask is None else torch.where(torch.as_tensor(mask, device=log.device), log, -math.log(size))


def factor_of(site, variables):
    """The factor of a site that is observed, or one of the ``variables``."""
    size = next((v.size for v in variables if v.name == site["name"]), None)
    return Factor(log_prob(site) if size is None else log_prob_of_values(site, size), site_plates(site))


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
        if not enumerated.sites:
            return
        factors = [factor_of(s, enumerated.variables) for s in enumerated.sites]
        scale = common_scale([float(s["scale"]) for s in enumerated.sites])
        remaining = eliminate(factors, enumerated.variables, logsumexp)
        pyro.factor("marginalized", scale * sum(f.log.sum() for f in remaining))

    marginal_program.__name__ = getattr(program, "__name__", "program")
    marginal_program.sums_over_rows = True  # so that samples cannot be a further dimension
    return marginal_program


class EnumeratedDensity(density.EnumeratedDensity):
    logsumexp = staticmethod(logsumexp)

    def __init__(self, program, keywords, data):
        super().__init__(program, keywords, data)
        self.depth = plate_depth(program, **self.one_row)
        inner = poutine.trace(with_values(program))
        with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad(), Enumerate(self.depth) as enumerated:
            nodes = inner.get_trace(**self.one_row).nodes
        self.variables = enumerated.variables
        discrete = {v.name for v in self.variables}
        latents = {n: s for n, s in sample_nodes(nodes).items() if not s["is_observed"]}
        continuous = {n: s for n, s in {**latents, **param_nodes(nodes)}.items() if n not in discrete}
        self.supports = {n: support_of(s) for n, s in continuous.items()}
        self.shapes = {n: s["value"].shape for n, s in continuous.items()}

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
        with poutine.block(), torch.random.fork_rng(devices=[]):
            nodes = poutine.trace(substitute(self.program, params)).get_trace(**self.one_row).nodes
        sites = [nodes[n] for n in params if nodes[n]["type"] == "sample"]
        return sum((log_prob(s).sum() for s in sites), torch.zeros(()))

    def factor_graph(self, params):
        inner = poutine.trace(substitute(self.program, params))
        with poutine.block(), Enumerate(self.depth) as enumerated:
            nodes = inner.get_trace(**self.data, **self.keywords).nodes
        sites = sample_nodes(nodes)
        rows = next((p for s in sites.values() for p in site_plates(s) if p.name == "N"), None)
        discrete = {v.name for v in enumerated.variables}
        factors = {}
        for name, site in sites.items():
            if name not in params and (site["is_observed"] or name in discrete):
                factors[name] = factor_of(site, enumerated.variables)
            elif rows in site_plates(site) and not self.is_own:
                raise ZooError(density.is_local(name))
        return FactorGraph(factors, enumerated.variables, rows)

    def posterior(self, params, weights=None):
        graph = self.factor_graph(params)
        zeros = {n: torch.zeros_like(f.log, requires_grad=True) for n, f in graph.factors.items()}
        factors = {n: f._replace(log=f.log.detach() + zeros[n]) for n, f in graph.factors.items()}
        log_p, by_row = graph._replace(factors=factors).log_marginal(logsumexp, weights)
        joint = torch.autograd.grad(log_p, list(zeros.values()))
        return dict(zip(zeros, joint, strict=True)), (log_p if by_row is None else by_row).detach()

    def log_marginal(self, draws):
        with torch.no_grad():
            return torch.stack([self.factor_graph(p).log_marginal_by_row(logsumexp) for p in single_draws(draws)])

    def responsibilities(self, draws):
        def evaluate(params):
            joint, _ = self.posterior(params)
            return {v.name: values_last(joint[v.name], v, self.variables) for v in self.variables}

        return stack([evaluate(params) for params in single_draws(draws)])

    def sample_labels(self, draws, seed):
        generator = torch.Generator().manual_seed(seed)

        def sample(params):
            graph = self.factor_graph(params)
            labels = {}
            for v in graph.variables:  # z_1, then z_2 given z_1, ...: the marginal of each, the others summed out
                p = marginal(graph, v)
                flat = p.reshape(-1, p.shape[-1]).clamp_min(0)
                index = torch.multinomial(flat.cpu(), 1, generator=generator)
                labels[v.name] = index.reshape(p.shape[:-1]).to(p.device)
                certain = torch.nn.functional.one_hot(labels[v.name], p.shape[-1]).to(p.dtype).log()
                graph = graph.add({v.name: values_along(certain, v)})
            return labels

        return stack([sample(params) for params in single_draws(draws)])


def single_draws(draws):
    for i in range(len(next(iter(draws.values())))):
        yield {n: v[i] for n, v in draws.items()}


def stack(values):
    return {n: torch.stack([v[n] for v in values]) for n in values[0]}


def marginal(graph, v):
    """p(v | x), plates first and its values last."""
    zeros = torch.zeros_like(graph.factors[v.name].log, requires_grad=True)
    log_p, _ = graph.add({v.name: zeros}).log_marginal(logsumexp)
    return values_last(torch.autograd.grad(log_p, zeros)[0], v, graph.variables)


def values_last(joint, v, variables):
    """p(v | x) as (plates, values), from the joint posterior of the values that its factor joins."""
    others = tuple(u.dim for u in variables if u.dim != v.dim and -u.dim <= joint.ndim)
    p = (joint.sum(others, keepdim=True) if others else joint).movedim(v.dim, 0)
    return p.reshape(p.shape[0], *(joint.shape[d] for d in v.plate_dims)).movedim(0, -1)


def values_along(array, v):
    """The inverse of ``values_last``: (plates, values) with the values along the dimension of ``v``."""
    sizes = dict(zip(v.plate_dims, array.shape, strict=False))
    return array.movedim(-1, 0).reshape(array.shape[-1], *(sizes.get(d, 1) for d in range(v.dim + 1, 0)))
