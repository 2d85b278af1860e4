"""Importance of each code for a factor, and predictions of the factor, by boosted trees or a random forest."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

MAX_BINS = 64  # of a code
ROUNDS, DEPTH, RATE = 100, 3, 0.1  # the defaults of scikit-learn's gradient boosting
FOREST_TREES, FOREST_DEPTH = 10, 8


class Prediction(NamedTuple):
    """Importance of each column, (Z,), which sums to 1 unless nothing is learned; predictions of test rows, (M,)."""

    importance: np.ndarray
    predicted: np.ndarray


def boosted_trees(codes: np.ndarray, factor: np.ndarray, test_codes: np.ndarray, num_classes: int) -> Prediction:
    """Gradient boosting with the defaults of scikit-learn, on codes in at most 64 bins.

    factor: labels below num_classes, or numbers where num_classes is 0.
    """
    from inference.analysis.disentanglement.learners import tree_kernels as kernels

    edges = [bin_edges(column) for column in codes.T]
    bins, test_bins = (
        np.stack([np.searchsorted(e, x) for e, x in zip(edges, values.T, strict=True)], 1).astype(np.uint8)
        for values in (codes, test_codes)
    )
    if num_classes:
        targets = (np.arange(num_classes)[:, None] == factor).astype(float)
        with np.errstate(divide="ignore"):
            start = np.maximum(np.log(targets.mean(1)), np.log(np.finfo(np.float32).eps))
        if num_classes == 2:
            targets, start = targets[1:], start[1:] - start[:1]
        centre, scale = 0.0, 1.0
    else:
        centre, scale = factor.mean(), factor.std() or 1.0
        targets, start = (factor[None] - centre) / scale, np.array([np.nan])
    importance, raw = kernels.boost(bins, MAX_BINS, targets, start, test_bins, ROUNDS, DEPTH, RATE)
    predicted = raw[0] * scale + centre if not num_classes else raw.argmax(0) if num_classes > 2 else raw[0] > 0
    return Prediction(importance / (importance.sum() or 1.0), np.asarray(predicted))


def random_forest(
    codes: np.ndarray, factor: np.ndarray, test_codes: np.ndarray, num_classes: int, seed: int
) -> Prediction:
    """A small random forest of scikit-learn; every split chooses among all codes."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if num_classes else RandomForestRegressor
    forest = kind(FOREST_TREES, max_depth=FOREST_DEPTH, max_features=None, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes")  # of few rows
        forest.fit(codes, factor)
    return Prediction(forest.feature_importances_, forest.predict(test_codes))


def bin_edges(column: np.ndarray) -> np.ndarray:
    """At most 63 edges between the values of a code, half-way between neighbours.

    Of many values, one edge in each of 63 stretches of as many rows, where the gap is largest: edges at quantiles would
    divide clusters, and join parts of two.

    >>> bin_edges(np.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [1.5, 2.5]
    """
    values = np.unique(column)
    edges = (values[1:] + values[:-1]) / 2
    if len(values) <= MAX_BINS:
        return edges
    gaps, ranks = np.diff(values), np.searchsorted(np.sort(column), edges)  # the rows below each edge
    stretch = ranks * (MAX_BINS - 1) // len(column)
    order = np.lexsort((-gaps, stretch))
    first = np.unique(stretch[order], return_index=True)[1]
    return edges[order[first]]
