import torch
from pyro import poutine
from pyro.poutine.messenger import Messenger

from inference.exact.enumeration.in_pyro import single_draws, stack
from zoo._backend.in_pyro import substitute


class Unobserve(Messenger):
    """Samples some observed sites of the program."""

    def __init__(self, sites):
        super().__init__()
        self.sites = sites

    def _pyro_sample(self, msg):
        if msg["name"] in self.sites:
            msg["is_observed"], msg["value"], msg["done"] = False, None, False


def predict(program, inputs, draws, sites, seed, count=0):
    def at_draw(draw):
        nodes = poutine.trace(substitute(Unobserve(sites)(program), draw)).get_trace(**inputs).nodes
        return {n: nodes[n]["value"] for n in sites}

    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return stack([at_draw(draw) for draw in (single_draws(draws) if draws else [{}] * count)])
