"""Compiled loops over the steps of chains, in 64 bits; ``inference.exact.markov`` has the shapes.

Chains are (B, T, K), their transitions (B, S, K, K) or (1, S, K, K), with S = T - 1, or 1 for all steps.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

COMPILED = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**COMPILED)
def log_sum_exp(values):
    """Log of the sum of exponentials of a vector; -inf where all are."""
    largest = values.max()
    if largest == -np.inf or math.isnan(largest):
        return largest
    total = 0.0
    for value in values:
        total += math.exp(value - largest)
    return largest + math.log(total)


@njit(**COMPILED)
def filter_states(log_states, log_transitions, filtered):
    """Fill ``filtered`` (T, K) with log p(z_t | steps up to t), and return the log of the sum over all paths."""
    T, K = log_states.shape
    terms, total = np.empty(K), 0.0
    for t in range(T):
        s = min(t, len(log_transitions)) - 1
        for k in range(K):
            reached = 0.0
            if t > 0:
                for j in range(K):
                    terms[j] = filtered[t - 1, j] + log_transitions[s, j, k]
                reached = log_sum_exp(terms)
            filtered[t, k] = reached + log_states[t, k]
        log_scale = log_sum_exp(filtered[t])
        total += log_scale
        if not math.isfinite(log_scale):  # no state is possible
            filtered[t] = np.nan
            return total
        for k in range(K):
            filtered[t, k] -= log_scale
    return total


@njit(**COMPILED)
def smooth_log(log_states, log_transitions, marginals, pairs):
    """Add the marginals (T, K) and pairs (S, K, K) of one chain in log space; returns the log of the sum."""
    T, K = log_states.shape
    filtered = np.empty((T, K))
    total = filter_states(log_states, log_transitions, filtered)
    if not math.isfinite(total):
        return total
    later, terms = np.zeros(K), np.empty(K)  # log p(steps after t | z_t)
    for k in range(K):
        marginals[T - 1, k] = math.exp(filtered[T - 1, k])
    for t in range(T - 2, -1, -1):
        s = min(t + 1, len(log_transitions)) - 1
        for k in range(K):
            later[k] += log_states[t + 1, k]
        largest = -np.inf  # of the pairs, which sum to 1
        for j in range(K):
            for k in range(K):
                largest = max(largest, filtered[t, j] + log_transitions[s, j, k] + later[k])
        norm = 0.0
        for j in range(K):
            for k in range(K):
                norm += math.exp(filtered[t, j] + log_transitions[s, j, k] + later[k] - largest)
        for j in range(K):
            marginals[t, j] = 0.0
            for k in range(K):
                terms[k] = log_transitions[s, j, k] + later[k] - largest
                pair = math.exp(filtered[t, j] + terms[k]) / norm
                marginals[t, j] += pair
                pairs[s, j, k] += pair
            filtered[t + 1, j] = log_sum_exp(terms)  # its filtered value has been used
        for k in range(K):
            later[k] = filtered[t + 1, k]
    return total


@njit(**COMPILED)
def smooth_scaled(log_states, transitions, marginals, pairs):
    """The same by rescaled probabilities, for transitions that all have a probability."""
    T, K = log_states.shape
    states, scales, reached = np.empty((T, K)), np.empty(T), np.ones(K)
    total = 0.0
    for t in range(T):
        s = min(t, len(transitions)) - 1
        largest = log_states[t].max()
        if not math.isfinite(largest):
            return largest if largest != np.inf else np.nan
        if t > 0:
            for k in range(K):
                reached[k] = 0.0
            for j in range(K):
                for k in range(K):
                    reached[k] += marginals[t - 1, j] * transitions[s, j, k]
        scale = 0.0
        for k in range(K):
            states[t, k] = math.exp(log_states[t, k] - largest)
            marginals[t, k] = reached[k] * states[t, k]
            scale += marginals[t, k]
        for k in range(K):
            marginals[t, k] /= scale
        scales[t] = scale
        total += math.log(scale) + largest
    later, weighted = np.ones(K), np.empty(K)
    for t in range(T - 2, -1, -1):
        s = min(t + 1, len(transitions)) - 1
        for k in range(K):
            weighted[k] = states[t + 1, k] * later[k] / scales[t + 1]
        for j in range(K):
            p, sum_later = marginals[t, j], 0.0
            for k in range(K):
                term = transitions[s, j, k] * weighted[k]
                pairs[s, j, k] += p * term
                sum_later += term
            later[j] = sum_later
            marginals[t, j] = p * sum_later
    return total


@njit(**COMPILED)
def smooth(log_states, log_transitions, transitions, is_rescaled, marginals, pairs):
    """Fill the marginals (B, T, K) and pairs (B, S, K, K) of chains; returns the log sums (B)."""
    totals = np.empty(len(log_states))
    for b in range(len(log_states)):
        own = b % len(log_transitions)
        if is_rescaled[own]:
            totals[b] = smooth_scaled(log_states[b], transitions[own], marginals[b], pairs[b])
        else:
            totals[b] = smooth_log(log_states[b], log_transitions[own], marginals[b], pairs[b])
    return totals


@njit(**COMPILED)
def filter_chains(log_states, log_transitions, filtered):
    """Fill ``filtered`` (B, T, K) with log p(z_t | steps up to t) of chains; returns the log sums (B)."""
    totals = np.empty(len(log_states))
    for b in range(len(log_states)):
        totals[b] = filter_states(log_states[b], log_transitions[b % len(log_transitions)], filtered[b])
    return totals


@njit(**COMPILED)
def best_paths(log_states, log_transitions, paths, logs):
    """Fill ``paths`` (B, M, T), -1 before, and ``logs`` (B, M), -inf before, with the M best paths, the best first.

    The M best that end in each state are kept at each step (Viterbi 1967; Seshadri and Sundberg 1994).
    """
    (B, T, K), M = log_states.shape, paths.shape[1]
    came_from = np.zeros((T, K, M), np.int64)  # the state before and its rank there, as state * M + rank
    score, before, last = np.empty((K, M)), np.empty((K, M)), np.empty(M, np.int64)
    for b in range(B):
        transitions = log_transitions[b % len(log_transitions)]
        for k in range(K):
            for m in range(M):
                score[k, m] = log_states[b, 0, k] if m == 0 else -np.inf
        for t in range(1, T):
            s = min(t, len(transitions)) - 1
            for k in range(K):
                for m in range(M):
                    before[k, m], score[k, m] = score[k, m], -np.inf
            for k in range(K):
                for j in range(K):
                    for m in range(M):
                        candidate = before[j, m] + transitions[s, j, k] + log_states[b, t, k]
                        if candidate > score[k, M - 1]:
                            insert(score[k], came_from[t, k], candidate, j * M + m)
        for k in range(K):
            for m in range(M):
                if score[k, m] > logs[b, M - 1]:
                    insert(logs[b], last, score[k, m], k * M + m)
        for m in range(M):
            place = last[m]
            for t in range(T - 1 if logs[b, m] > -np.inf else -1, -1, -1):
                paths[b, m, t] = place // M
                place = came_from[t, place // M, place % M]


@njit(**COMPILED)
def insert(score, came_from, candidate, place):
    """Insert a candidate among descending scores; equal ones keep their order."""
    m = len(score) - 1
    while m > 0 and candidate > score[m - 1]:
        score[m], came_from[m] = score[m - 1], came_from[m - 1]
        m -= 1
    score[m], came_from[m] = candidate, place


@njit(**COMPILED)
def draw_paths(filtered, log_transitions, uniform, paths):
    """Fill ``paths`` (B, S, T) by backward sampling, from filtered log probabilities and uniform numbers (B, S, T)."""
    (B, T, K), num_paths = filtered.shape, paths.shape[1]
    terms = np.empty(K)
    for b in range(B):
        transitions = log_transitions[b % len(log_transitions)]
        for i in range(num_paths):
            for t in range(T - 1, -1, -1):
                terms[:] = filtered[b, t]
                if t < T - 1:
                    s = min(t + 1, len(transitions)) - 1
                    for k in range(K):
                        terms[k] += transitions[s, k, paths[b, i, t + 1]]
                paths[b, i, t] = draw_state(terms, uniform[b, i, t])


@njit(**COMPILED)
def draw_state(logs, uniform):
    """A state by its unnormalised log probability."""
    rest = uniform * math.exp(log_sum_exp(logs) - logs.max())
    state = -1
    for k in range(len(logs)):
        weight = math.exp(logs[k] - logs.max())
        if weight > 0:
            state = k
            rest -= weight
            if rest < 0:
                break
    return state
