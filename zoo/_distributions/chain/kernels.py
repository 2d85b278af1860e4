"""The compiled loop that draws chains: each state depends on the one before."""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def draw_states(uniform, initial, transition, states):
    """Fill states (B, T) by uniform numbers (B, T) and cumulative probabilities, without a state of no probability.

    initial: (P, K), transition: (Q, S, K, K), of which chain b has row b modulo P and Q; S is T - 1, or 1 for all.
    """
    B, T = uniform.shape
    K = initial.shape[1]
    for b in range(B):
        own, of_steps = initial[b % len(initial)], transition[b % len(transition)]
        for t in range(T):
            row = own if t == 0 else of_steps[min(t, len(of_steps)) - 1, states[b, t - 1]]
            state, threshold = 0, uniform[b, t] * row[K - 1]
            while state < K - 1 and row[state] <= threshold:
                state += 1
            states[b, t] = state
