import torch
from pyro import poutine
from pyro.distributions.util import scale_and_mask

from inference.exact.enumeration.in_pyro import FUNCTIONS, EnumeratedDensity, single_draws, stack
from inference.exact.pointwise.graph import site_log_likelihoods
from zoo._backend.in_pyro import substitute


def log_likelihood(program, inputs, draws, sites):
    def at_draw(draw):
        nodes = poutine.trace(substitute(program, draw)).get_trace(**inputs).nodes
        return {n: scale_and_mask(nodes[n]["fn"].log_prob(nodes[n]["value"]), mask=nodes[n]["mask"]) for n in sites}

    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        return stack([at_draw(draw) for draw in single_draws(draws)])


def marginal_log_likelihood(program, inputs, draws, sites, has_rows):
    density = EnumeratedDensity(program, {}, inputs)
    with torch.no_grad():
        return stack(
            [site_log_likelihoods(density.factor_graph(d), sites, FUNCTIONS, has_rows) for d in single_draws(draws)]
        )
