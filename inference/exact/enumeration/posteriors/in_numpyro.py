import math

import jax
import jax.numpy as jnp

from inference.exact.enumeration.chains import IMPOSSIBLE, last_moves, moves_last, split_states, states_last
from inference.exact.enumeration.elimination import chain_dims
from inference.exact.enumeration.sites.in_numpyro import FUNCTIONS
from zoo._distributions.chain.in_numpyro import Chain


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
