"""Mutual information between one code and one factor, in nats: by bins, and by nearest neighbours."""

from __future__ import annotations

import numpy as np

NUM_BINS = 20  # of equal width, of codes and of continuous factors
NEIGHBOURS = 10
NOISE = 1e-10  # sd of the noise that separates equal codes, whose sd is 1


def equal_width_bins(x: np.ndarray, count: int = NUM_BINS) -> np.ndarray:
    """The bin of each value, of bins of equal width from the smallest to the largest value; the last one is closed.

    >>> equal_width_bins(np.array([0.0, 0.5, 1.0]), 2).tolist()
    [0, 1, 1]
    """
    edges = np.histogram_bin_edges(x, count)
    return np.digitize(x, edges[1:-1])


def entropy(labels: np.ndarray) -> float:
    """The entropy of labels in nats.

    >>> round(entropy(np.array([0, 1, 0, 1])), 6)
    0.693147
    """
    p = np.bincount(labels) / len(labels)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def information_of_labels(a: np.ndarray, b: np.ndarray) -> float:
    """The mutual information of two columns of labels by their joint frequencies.

    >>> round(information_of_labels(np.array([0, 1, 0, 1]), np.array([1, 0, 1, 0])), 6)
    0.693147
    """
    joint = np.bincount(a * (b.max() + 1) + b)
    p = joint[joint > 0] / len(a)
    return max(0.0, entropy(a) + entropy(b) + float((p * np.log(p)).sum()))


def information_by_neighbours(x: np.ndarray, labels: np.ndarray, k: int = NEIGHBOURS) -> float:
    """The mutual information of a continuous code and labels by the k nearest neighbours of each row (Ross 2014).

    A row with its k-th neighbour of the same label at some distance, and m rows of any label nearer than that, itself
    included, gives psi(k) - psi(m); labels of one row are left out. The code has no equal values.
    """
    from scipy.special import digamma

    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    groups = [g for g in np.split(order, np.cumsum(counts)[:-1]) if len(g) > 1]
    if not groups:
        return 0.0
    values, near, psi_k, psi_count = [], [], 0.0, 0.0
    for group in groups:
        own = np.sort(x[group])
        neighbours = min(k, len(own) - 1)
        values.append(own)
        near.append(distance_to_neighbour(own, neighbours))
        psi_k += len(own) * digamma(neighbours)
        psi_count += len(own) * digamma(len(own))
    points = np.concatenate(values)
    m, N = count_nearer(np.sort(points), points, np.concatenate(near)), len(points)
    return max(0.0, float(digamma(N) + psi_k / N - psi_count / N - digamma(m).mean()))


def count_nearer(ordered: np.ndarray, points: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """How many of the ordered numbers are nearer to each point than its distance.

    The ends are compared by their differences, as the distances were computed: a sum may round to the next number.

    >>> count_nearer(np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0]), np.array([2.0, 3.0])).tolist()
    [2, 2]
    """
    N = len(ordered)
    first = np.searchsorted(ordered, points - distances, side="left")
    last = np.searchsorted(ordered, points + distances, side="right") - 1
    for _ in range(2):  # inwards by the k-th neighbour itself, and by another at the same distance
        first += points - ordered[np.minimum(first, N - 1)] >= distances
        last -= ordered[np.maximum(last, 0)] - points >= distances
    first -= (first > 0) & (points - ordered[np.maximum(first - 1, 0)] < distances)
    last += (last < N - 1) & (ordered[np.minimum(last + 1, N - 1)] - points < distances)
    return last - first + 1


def distance_to_neighbour(ordered: np.ndarray, k: int) -> np.ndarray:
    """The distance of each of several ordered numbers to its k-th nearest neighbour: k is below their count.

    >>> distance_to_neighbour(np.array([0.0, 1.0, 3.0, 7.0]), 1).tolist()
    [1.0, 1.0, 2.0, 4.0]
    """
    n = len(ordered)
    nearest = np.full(n, np.inf)
    for below in range(k + 1):  # the neighbours are so many rows below, and the others above
        i = np.arange(below, n - k + below)
        reach = np.maximum(ordered[i] - ordered[i - below], ordered[i + k - below] - ordered[i])
        nearest[i] = np.minimum(nearest[i], reach)
    return nearest
