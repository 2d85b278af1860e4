"""Compiled loops over the steps of linear-Gaussian chains, in 64 bits; ``inference.exact.kalman`` has the shapes.

Matrices are of a few rows, for which calls of a library would take longer than their arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

COMPILED = {"cache": True, "nogil": True, "error_model": "numpy"}
LOG_2PI = math.log(2 * math.pi)


@njit(**COMPILED)
def cholesky(matrix):
    """Replace a positive matrix by its lower root; what is above the diagonal stays."""
    n = len(matrix)
    for j in range(n):
        for i in range(j, n):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = math.sqrt(total) if i == j else total / matrix[j, j]


@njit(**COMPILED)
def solve_lower(tril, rows):
    """Replace each row b by the solution of tril y = b."""
    for row in rows:
        for i in range(len(tril)):
            total = row[i]
            for k in range(i):
                total -= tril[i, k] * row[k]
            row[i] = total / tril[i, i]


@njit(**COMPILED)
def solve_upper(tril, rows):
    """Replace each row b by the solution of tril' y = b."""
    n = len(tril)
    for row in rows:
        for i in range(n - 1, -1, -1):
            total = row[i]
            for k in range(i + 1, n):
                total -= tril[k, i] * row[k]
            row[i] = total / tril[i, i]


@njit(**COMPILED)
def product(left, right, out):
    """Fill ``out`` with left @ right."""
    for i in range(left.shape[0]):
        for j in range(right.shape[1]):
            total = 0.0
            for k in range(right.shape[0]):
                total += left[i, k] * right[k, j]
            out[i, j] = total


@njit(**COMPILED)
def lower_root(stack, out):
    """Fill ``out`` (Z, Z) with a lower L for which L L' = stack' stack, by reflections (Householder) of (2 Z, Z)."""
    rows, n = stack.shape
    for j in range(n):
        length = 0.0
        for i in range(j, rows):
            length += stack[i, j] ** 2
        length = math.sqrt(length)
        if length == 0.0:
            continue
        if stack[j, j] > 0:
            length = -length
        stack[j, j] -= length
        square = -length * stack[j, j]  # half the square of the vector of the reflection
        for k in range(j + 1, n):
            total = 0.0
            for i in range(j, rows):
                total += stack[i, j] * stack[i, k]
            total /= square
            for i in range(j, rows):
                stack[i, k] -= total * stack[i, j]
        stack[j, j] = length
    for i in range(n):
        sign = -1.0 if stack[i, i] < 0 else 1.0
        for k in range(n):
            out[k, i] = sign * stack[i, k] if k >= i else 0.0


@njit(**COMPILED)
def filter_sequences(loc, S, A, Q, W, mu, Psi, x):
    """Log density of each step given those before, (N, T); means and roots of the latents with and before the step."""
    N, T, D = x.shape
    Z = len(loc)
    log_p = np.zeros((N, T))
    means, roots = np.empty((N, T, Z)), np.empty((N, T, Z, Z))
    before_means, before_roots = np.empty((N, T, Z)), np.empty((N, T, Z, Z))
    log_noise = np.log(Psi) + LOG_2PI
    factor, M, unit, stack = np.empty((D, Z)), np.empty((Z, Z)), np.empty((1, Z)), np.empty((2 * Z, Z))
    for n in range(N):
        for t in range(T):
            mean, root = before_means[n, t], before_roots[n, t]
            if t == 0:
                mean[:], root[:] = loc, S
            else:
                for i in range(Z):
                    mean[i] = 0.0
                    for k in range(Z):
                        mean[i] += A[i, k] * means[n, t - 1, k]
                product(A, roots[n, t - 1], M)
                for i in range(Z):
                    for k in range(Z):
                        stack[i, k] = M[k, i]
                        stack[Z + i, k] = Q[k, i]
                lower_root(stack, root)
            product(W, root, factor)
            M[:] = np.eye(Z)
            unit[:] = 0.0
            for d in range(D):
                if math.isnan(x[n, t, d]):
                    continue
                shift = x[n, t, d] - mu[d]
                for k in range(Z):
                    shift -= W[d, k] * mean[k]
                for i in range(Z):
                    unit[0, i] += factor[d, i] * shift / Psi[d]
                    for k in range(Z):
                        M[i, k] += factor[d, i] * factor[d, k] / Psi[d]
            cholesky(M)
            solve_lower(M, unit)
            solve_upper(M, unit)
            quadratic = 0.0
            for i in range(Z):
                quadratic += unit[0, i] ** 2
                log_p[n, t] -= math.log(M[i, i])
            for d in range(D):
                if math.isnan(x[n, t, d]):
                    continue
                rest = x[n, t, d] - mu[d]
                for k in range(Z):
                    rest -= W[d, k] * mean[k] + factor[d, k] * unit[0, k]
                quadratic += rest**2 / Psi[d]
                log_p[n, t] -= 0.5 * log_noise[d]
            log_p[n, t] -= 0.5 * quadratic
            for i in range(Z):
                means[n, t, i] = mean[i]
                for k in range(Z):
                    means[n, t, i] += root[i, k] * unit[0, k]
                    roots[n, t, i, k] = root[i, k]
            solve_lower(M, roots[n, t])
    return log_p, means, roots, before_means, before_roots


@njit(**COMPILED)
def gain_and_rest(A, Q, root, next_root, gain, rest):
    """Fill the gain of z_t on z_{t+1}, and the covariance of z_t given it; next_root: of z_{t+1} given steps to t."""
    Z = len(A)
    cov, moved, kept = np.empty((Z, Z)), np.empty((Z, Z)), np.empty((Z, Z))
    product(root, root.T, cov)
    product(A, cov, moved)
    gain[:] = moved.T
    solve_lower(next_root, gain)
    solve_upper(next_root, gain)
    product(gain, A, kept)
    for i in range(Z):
        for k in range(Z):
            kept[i, k] = (1.0 if i == k else 0.0) - kept[i, k]
    product(kept, root, cov)
    product(gain, Q, moved)
    for i in range(Z):
        for k in range(Z):
            rest[i, k] = 0.0
            for j in range(Z):
                rest[i, k] += cov[i, j] * cov[k, j] + moved[i, j] * moved[k, j]


@njit(**COMPILED)
def smooth_sequences(A, Q, means, roots, before_means, before_roots):
    """Means, covariances, and covariances with the step before, given all values of each sequence."""
    N, T, Z = means.shape
    smoothed, covs, lags = np.empty((N, T, Z)), np.empty((N, T, Z, Z)), np.empty((N, T - 1, Z, Z))
    gain, rest, moved = np.empty((Z, Z)), np.empty((Z, Z)), np.empty((Z, Z))
    for n in range(N):
        smoothed[n, T - 1] = means[n, T - 1]
        product(roots[n, T - 1], roots[n, T - 1].T, covs[n, T - 1])
        for t in range(T - 2, -1, -1):
            gain_and_rest(A, Q, roots[n, t], before_roots[n, t + 1], gain, rest)
            product(gain, covs[n, t + 1], moved)
            product(moved, gain.T, covs[n, t])
            for i in range(Z):
                smoothed[n, t, i] = means[n, t, i]
                for k in range(Z):
                    smoothed[n, t, i] += gain[i, k] * (smoothed[n, t + 1, k] - before_means[n, t + 1, k])
                    covs[n, t, i, k] += rest[i, k]
                    lags[n, t, k, i] = moved[i, k]
    return smoothed, covs, lags


@njit(**COMPILED)
def draw_sequences(A, Q, means, roots, before_means, before_roots, noise):
    """A draw of the latents (N, T, Z) given all values of each sequence; noise: standard normal, (N, T, Z, 2)."""
    N, T, Z = means.shape
    z = np.empty((N, T, Z))
    gain, rest = np.empty((Z, Z)), np.empty((Z, Z))
    kept, scaled, stack = np.empty((Z, Z)), np.empty((Z, Z)), np.empty((2 * Z, Z))
    for n in range(N):
        for i in range(Z):
            z[n, T - 1, i] = means[n, T - 1, i]
            for k in range(Z):
                z[n, T - 1, i] += roots[n, T - 1, i, k] * noise[n, T - 1, k, 0]
        for t in range(T - 2, -1, -1):
            gain_and_rest(A, Q, roots[n, t], before_roots[n, t + 1], gain, rest)
            # a root of the covariance given the next step: two parts with noise of their own
            product(gain, A, kept)
            product(gain, Q, scaled)
            product(kept, roots[n, t], stack[:Z])
            for i in range(Z):
                z[n, t, i] = means[n, t, i]
                for k in range(Z):
                    z[n, t, i] += gain[i, k] * (z[n, t + 1, k] - before_means[n, t + 1, k])
                    part = roots[n, t, i, k] - stack[i, k]
                    z[n, t, i] += part * noise[n, t, k, 0] - scaled[i, k] * noise[n, t, k, 1]
    return z
