"""Compiled loops over the steps of sequences that follow each other in one array and share one transition.

Step s of all S has the states s, 0 to K - 1. ``starts`` (N + 1,) has where each sequence begins, and S.
"""

from __future__ import annotations

from numba import njit

COMPILED = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}


@njit(**COMPILED)
def rescale(log_states, largest):
    """Take the largest log of each step from its logs (S, K), and write it to ``largest`` (S,)."""
    S, K = log_states.shape
    for s in range(S):
        top = log_states[s, 0]
        for k in range(1, K):
            top = max(top, log_states[s, k])
        largest[s] = top
        for k in range(K):
            log_states[s, k] -= top


@njit(**COMPILED)
def filter_steps(states, first, end, transition, filtered, scales):
    """Fill filtered (S, K), p(z_t | steps up to t), and scales (S,), p(x_s | steps before), of one sequence.

    states (S, K): of the observations, the largest of each step 1. transition (2, K, K): from the state before, in
    rows, and transposed.
    """
    K = states.shape[1]
    for s in range(first, end):
        scale = 0.0
        for k in range(K):
            p = 1.0
            if s > first:
                p = 0.0
                for j in range(K):
                    p += filtered[s - 1, j] * transition[1, k, j]
            p *= states[s, k]
            filtered[s, k] = p
            scale += p
        scales[s] = scale
        for k in range(K):
            filtered[s, k] /= scale


@njit(**COMPILED)
def smooth_steps(states, starts, transition, weights, filtered, marginals, later, scales):
    """Forward and backward pass by probabilities that are rescaled at each step; inputs as in ``filter_steps``.

    Fills filtered and scales; marginals (S, K), times the weight (N,) of their sequence; and later (S, K), such that
    the pairs of steps s - 1 and s are filtered[s - 1, j] transition[j, k] later[s, k], times the weight, and 0 at the
    first step of a sequence.
    """
    K = states.shape[1]
    for n in range(len(starts) - 1):
        first, end, weight = starts[n], starts[n + 1], weights[n]
        filter_steps(states, first, end, transition, filtered, scales)
        for k in range(K):
            marginals[end - 1, k] = weight * filtered[end - 1, k]
            later[end - 1, k] = states[end - 1, k] / scales[end - 1]  # p(x_s, ... | z_s), in units of the scales
        for s in range(end - 2, first - 1, -1):
            for j in range(K):
                p = 0.0
                for k in range(K):
                    p += transition[0, j, k] * later[s + 1, k]
                marginals[s, j] = weight * p * filtered[s, j]
                later[s, j] = p * states[s, j] / scales[s]
        for s in range(first, end):
            for k in range(K):
                later[s, k] *= weight if s > first else 0.0


@njit(**COMPILED)
def draw_steps(states, starts, transition, uniform, filtered, scales, path):
    """Fill path (S,) with one draw of each sequence, from the last step to the first, by uniform numbers (S,)."""
    K = states.shape[1]
    for n in range(len(starts) - 1):
        first, end = starts[n], starts[n + 1]
        filter_steps(states, first, end, transition, filtered, scales)
        for s in range(end - 1, first - 1, -1):
            total = 0.0
            for k in range(K):
                if s < end - 1:
                    filtered[s, k] *= transition[1, path[s + 1], k]
                total += filtered[s, k]
            rest, state = uniform[s] * total, -1
            for k in range(K):
                if filtered[s, k] > 0:
                    state = k
                    rest -= filtered[s, k]
                    if rest < 0:
                        break
            path[s] = state
