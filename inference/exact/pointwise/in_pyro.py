import torch
from pyro import poutine
from pyro.distributions.util import scale_and_mask

from inference.exact.enumeration.in_pyro import FUNCTIONS, EnumeratedDensity, map_draws
from inference.exact.pointwise.graph import site_log_likelihoods
from zoo._backend.in_pyro import substitute


def log_likelihood(program, inputs, draws, sites):
    def at_draw(draw):
        nodes = poutine.trace(substitute(program, draw)).get_trace(**inputs).nodes
        return {n: scale_and_mask(nodes[n]["fn"].log_prob(nodes[n]["value"]), mask=nodes[n]["mask"]) for n in sites}

    with torch.random.fork_rng(devices=[]):
        return map_draws(at_draw, draws, inputs)


def marginal_log_likelihood(program, inputs, draws, sites, has_rows):
    density = EnumeratedDensity(program, {}, inputs)

    def at_draw(draw):
        return site_log_likelihoods(density.factor_graph(draw), sites, FUNCTIONS, has_rows)

    return map_draws(at_draw, draws, inputs)
