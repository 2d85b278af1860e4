"""Gradient boosting by histograms, compiled: the trees of scikit-learn's GradientBoosting on codes in bins.

Trees are grown level by level, each node at the split with the smallest squared error of the residuals. Where every
code has as many bins as it has values, they are those of ``GradientBoostingClassifier`` and
``GradientBoostingRegressor``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PURE = 1e-14  # variance of the residuals of a node that is not split


@njit(cache=True, nogil=True)
def boost(bins, max_bins, targets, start, test_bins, rounds, depth, rate):
    """Importance of each column (Z,), and raw predictions of test rows (outputs, rows).

    bins (N, Z), test_bins: the bin of each code, below max_bins. targets (outputs, N): one-hot labels, one row of 0 and
    1 for two classes, or a standardised number; start (outputs,): raw predictions before the first tree, NaN for
    regression.
    """
    (outputs, N), Z, M = targets.shape, bins.shape[1], len(test_bins)
    is_regression = np.isnan(start[0])
    raw, raw_test = np.zeros((outputs, N)), np.zeros((outputs, M))
    if not is_regression:
        for c in range(outputs):
            raw[c] += start[c]
            raw_test[c] += start[c]
    importance, p = np.zeros(Z), np.zeros((outputs, N))
    order, spare = np.zeros(N, np.int32), np.zeros(N, np.int32)
    nodes = 2 ** (depth + 1) - 1
    first, last = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    sums, counts = np.zeros((nodes, Z, max_bins)), np.zeros((nodes, Z, max_bins), np.int32)
    feature, edge, leaf = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(nodes)
    for i in range(N):
        for j in range(Z):
            counts[0, j, bins[i, j]] += 1
    for _ in range(rounds):
        if not is_regression:
            probabilities(raw, p)
        for c in range(outputs):
            residuals = targets[c] - (raw[c] if is_regression else p[c])
            grow(bins, residuals, order, spare, first, last, sums, counts, feature, edge, depth, importance)
            for node in range(nodes):
                if feature[node] == -1:  # a leaf
                    numerator, denominator = 0.0, 0.0
                    for i in order[first[node] : last[node]]:
                        numerator += residuals[i]
                        denominator += 1.0 if is_regression else p[c, i] * (1 - p[c, i])
                    if outputs > 1:
                        numerator *= (outputs - 1) / outputs
                    leaf[node] = rate * numerator / denominator if denominator > 1e-150 else 0.0
                    for i in order[first[node] : last[node]]:
                        raw[c, i] += leaf[node]
            for i in range(M):
                node = 0
                while feature[node] >= 0:
                    node = 2 * node + (1 if test_bins[i, feature[node]] <= edge[node] else 2)
                raw_test[c, i] += leaf[node]
    return importance, raw_test


@njit(cache=True, nogil=True)
def probabilities(raw, p):
    """Write the class probabilities of raw predictions to p."""
    outputs, N = raw.shape
    for i in range(N):
        if outputs == 1:
            p[0, i] = 1 / (1 + np.exp(-raw[0, i]))
            continue
        largest, total = raw[0, i], 0.0
        for c in range(1, outputs):
            largest = max(largest, raw[c, i])
        for c in range(outputs):
            p[c, i] = np.exp(raw[c, i] - largest)
            total += p[c, i]
        for c in range(outputs):
            p[c, i] /= total


@njit(cache=True, nogil=True)
def grow(bins, residuals, order, spare, first, last, sums, counts, feature, edge, depth, importance):
    """Grow one tree, and add its decrease of the squared error to the importance of each column.

    Node n has the children 2 n + 1 and 2 n + 2, and the rows ``order[first[n]:last[n]]``. feature: -1 in a leaf, -2
    where there is no node. The counts of the root are those of all rows, and stay as they are.
    """
    N, Z = bins.shape
    feature[:] = -2
    first[0], last[0] = 0, N
    sums[0] = 0.0
    for i in range(N):
        order[i] = i
        for j in range(Z):
            sums[0, j, bins[i, j]] += residuals[i]
    feature[0] = -1
    for node in range(2**depth - 1):
        if feature[node] != -1:
            continue
        a, b = first[node], last[node]
        gain, j, e = best_split(residuals, order[a:b], sums[node], counts[node])
        if j < 0:
            continue
        feature[node], edge[node] = j, e
        importance[j] += gain / N
        middle, end = a, 0
        for position in range(a, b):
            i = order[position]
            if bins[i, j] <= e:
                order[middle] = i
                middle += 1
            else:
                spare[end] = i
                end += 1
        order[middle:b] = spare[:end]
        left, right = 2 * node + 1, 2 * node + 2
        feature[left], feature[right] = -1, -1
        first[left], last[left], first[right], last[right] = a, middle, middle, b
        if left < 2**depth - 1:  # leaves of the last level need no histogram
            small, large = (left, right) if middle - a <= b - middle else (right, left)
            sums[small], counts[small] = 0.0, 0
            for i in order[first[small] : last[small]]:
                for column in range(Z):
                    sums[small, column, bins[i, column]] += residuals[i]
                    counts[small, column, bins[i, column]] += 1
            sums[large] = sums[node] - sums[small]
            counts[large] = counts[node] - counts[small]


@njit(cache=True, nogil=True)
def best_split(residuals, rows, sums, counts):
    """The largest decrease of the squared error by a split, its column and its edge; column -1 for a leaf."""
    n, total, squares = len(rows), 0.0, 0.0
    for i in rows:
        total += residuals[i]
        squares += residuals[i] ** 2
    best, feature, edge = -np.inf, -1, -1
    if n < 2 or squares / n - (total / n) ** 2 <= PURE:
        return best, feature, edge
    for j in range(sums.shape[0]):
        left, m = 0.0, 0
        for e in range(sums.shape[1] - 1):
            if counts[j, e] == 0:
                continue
            left += sums[j, e]
            m += counts[j, e]
            if m == n:
                break
            value = left**2 / m + (total - left) ** 2 / (n - m)
            if value > best:
                best, feature, edge = value, j, e
    return best - total**2 / n, feature, edge
