import torch
from pyro import poutine

from inference.exact.observed import ObservedElements
from zoo._backend.in_pyro import kind_of, sample_nodes, with_values
from zoo._programs.supports.in_pyro import bounds_of, without_joins


def observed_elements(program, inputs, seed):
    with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        nodes = sample_nodes(poutine.trace(with_values(program)).get_trace(**inputs).nodes)
        return {n: elements(s["fn"], s["value"]) for n, s in nodes.items() if s["is_observed"]}


def elements(fn, value):
    low, high = (b if b is None else b.cpu().numpy() for b in bounds_of(fn))
    log_density = torch.where(fn.support.check(value), fn.log_prob(value), -torch.inf)
    return ObservedElements(
        value.cpu().numpy(), log_density.cpu().numpy(), type(without_joins(fn)).__name__, kind_of(fn), (low, high)
    )
