"""Compiled loops over the steps of sequences, with the states innermost: one instruction has several of them."""

from __future__ import annotations

import math

from numba import njit

from zoo._distributions.counts import LARGEST_RATIO, NUM_TERMS

COMPILED = {"cache": True, "nogil": True, "error_model": "numpy"}
SIMD = {**COMPILED, "fastmath": {"contract"}}


@njit(**SIMD)
def normal_logs(y, mean, precision, constant, logs):
    """Fill ``logs`` (S, K) with log densities of y (S, D), NaN left out; mean, precision, constant: (D, K)."""
    S, D = y.shape
    K = mean.shape[1]
    for s in range(S):
        for k in range(K):
            logs[s, k] = 0.0
        for d in range(D):
            value = y[s, d]
            if value == value:
                for k in range(K):
                    difference = value - mean[d, k]
                    logs[s, k] += constant[d, k] - precision[d, k] * difference * difference
        for k in range(K):
            logs[s, k] *= 0.5


@njit(**SIMD)
def normal_scatter(y, posterior, mean, scatter):
    """Add to ``scatter`` (D, K) the sums of posterior (S, K) times (y - mean)^2, NaN left out."""
    S, D = y.shape
    K = mean.shape[1]
    for s in range(S):
        for d in range(D):
            value = y[s, d]
            if value == value:
                for k in range(K):
                    difference = value - mean[d, k]
                    scatter[d, k] += posterior[s, k] * difference * difference


@njit(**COMPILED)
def half_deviance(x, rate):
    """x log(x / rate) + rate - x, whose digits a series keeps where x is near the rate (Loader 2000)."""
    difference = x - rate
    v = difference / (x + rate)
    if abs(v) >= LARGEST_RATIO:
        return x * math.log(x / rate) - difference
    series = 0.0
    for j in range(NUM_TERMS, 0, -1):
        series = v * v * (1.0 / (2 * j + 1) + series)
    return difference * v + 2 * x * v * series


@njit(**COMPILED)
def poisson_logs(x, rate, base, logs):
    """Fill ``logs`` (S, K) with log densities of counts x (S, D), NaN left out; rate: (D, K).

    base (S,): the part that does not depend on the rates.
    """
    S, D = x.shape
    K = rate.shape[1]
    for s in range(S):
        for k in range(K):
            logs[s, k] = base[s]
        for d in range(D):
            count = x[s, d]
            if count > 0:
                for k in range(K):
                    logs[s, k] -= half_deviance(count, rate[d, k])
            elif count == 0:
                for k in range(K):
                    logs[s, k] -= rate[d, k]


@njit(**COMPILED)
def categorical_logs(symbols, log_probabilities, logs):
    """Fill ``logs`` (S, K) with log densities of symbols (S, D), -1 where missing; log_probabilities: (D, V, K)."""
    S, D = symbols.shape
    K = logs.shape[1]
    for s in range(S):
        for k in range(K):
            logs[s, k] = 0.0
        for d in range(D):
            v = symbols[s, d]
            if v >= 0:
                for k in range(K):
                    logs[s, k] += log_probabilities[d, v, k]


@njit(**COMPILED)
def categorical_counts(symbols, posterior, counts):
    """Add to ``counts`` (D, V, K) the posterior (S, K) of each symbol (S, D), -1 where missing."""
    S, D = symbols.shape
    K = posterior.shape[1]
    for s in range(S):
        for d in range(D):
            v = symbols[s, d]
            if v >= 0:
                for k in range(K):
                    counts[d, v, k] += posterior[s, k]
