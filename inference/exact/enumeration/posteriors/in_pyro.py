import math

import torch

from inference.exact.enumeration.chains import IMPOSSIBLE, last_moves, moves_last, split_states, states_last
from inference.exact.enumeration.elimination import chain_dims
from inference.exact.enumeration.sites.in_pyro import FUNCTIONS
from zoo._distributions.chain.in_pyro import Chain


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
