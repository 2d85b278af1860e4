"""Labels by k-means, from which EM, SVI, NUTS and Gibbs sampling begin."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from zoo import Card, ZooError
from zoo.data.column_kinds import column_levels
from zoo.types import Keywords

TOLERANCE = 1e-4  # of the variance: the squared movement of the centres at which k-means stops
MAX_ROWS = 20_000  # rows on which the centres are fitted; the other rows are labelled by them
MAX_LEVELS = 50  # of a category that have an indicator; rarer ones have none


def kmeans_labels(
    table: Mapping[str, np.ndarray],
    K: int,
    seed: int,
    weights: np.ndarray | None = None,
    categories: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """A label from 0 to K - 1 for each row, (N,): k-means++ (Arthur and Vassilvitskii 2007) on standardised columns.

    weights: (N,), above 0; a row of weight w counts as w rows. categories: by name whether each column of an array has
    codes, as of ``category_columns``. Missing values count as their column's mean. Equal rows are one, with the sum of
    their weights, so that copies and weights break ties alike. Raises ZooError where fewer than K rows differ.
    """
    columns = {n: v.reshape(len(v), -1) for n, v in table.items()}
    x = next(iter(columns.values())) if len(columns) == 1 else np.concatenate(list(columns.values()), axis=1)
    N = len(x)
    if N < K:
        raise ZooError(f"K={K} components need at least {K} rows, and there are {N}: take K={N} or fewer")
    rng = np.random.default_rng(seed)
    w = np.ones(N) if weights is None else weights
    has_codes = np.concatenate([(categories or {}).get(n, np.zeros(v.shape[1], bool)) for n, v in columns.items()])
    chosen = np.arange(N) if N <= MAX_ROWS else rng.choice(N, MAX_ROWS, replace=False)
    first, number_of_row, counts = different_rows(x[chosen], w[chosen])
    distinct = x[chosen[first]]
    features = ClusterFeatures(distinct, counts, has_codes) if N <= MAX_ROWS else ClusterFeatures(x, w, has_codes)
    sample = features(distinct)
    if K > 1 and len(np.unique(sample, axis=0)) < K:
        raise ZooError(
            f"K={K} components need {K} different rows, and there are {len(np.unique(sample, axis=0))}: lower K"
        )
    # scikit-learn's tolerance is relative to the variance of the rows without their weights
    variance = np.average(np.square(sample - np.average(sample, 0, counts)), 0, counts).mean()
    tol = TOLERANCE * variance / max(sample.var(0).mean(), np.finfo(float).tiny)
    kmeans = KMeans(K, n_init=1, max_iter=50, tol=tol, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        # rows of which others outweigh the distances by rounding leave a cluster empty, as a start may be
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(sample, sample_weight=counts)
    if N <= MAX_ROWS:
        return kmeans.predict(sample)[number_of_row]
    # in blocks, so that there is no standardised copy of all the rows
    return np.concatenate([kmeans.predict(features(x[i : i + MAX_ROWS])) for i in range(0, N, MAX_ROWS)])


def different_rows(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first of each set of equal rows, in their order; which set each row is of; and the weight of each set.

    NaN equals NaN.

    >>> different_rows(np.array([[2.0], [np.nan], [2.0]]), np.array([1.0, 2.0, 3.0]))
    (array([0, 1]), array([0, 1, 0]), array([4., 2.]))
    """
    is_missing = np.isnan(x)
    comparable = np.concatenate([np.where(is_missing, 0.0, x) + 0.0, is_missing], axis=1)  # -0.0 becomes 0.0
    _, first, inverse = np.unique(comparable, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    number_of_row = number[inverse.reshape(-1)]
    return first[order], number_of_row, np.bincount(number_of_row, weights)


class ClusterFeatures:
    """Rows (B, D) to features of k-means: standardised numbers, and an indicator of each level of a category.

    The features of one column have variance 1 together, so that a category with two levels counts as the column of
    zeros and ones. Levels are in the order in which they first occur, so that their codes have no effect.

    x (N, D), weights (N,) and has_codes (D,): the rows by which features are standardised.
    """

    def __init__(self, x: np.ndarray, weights: np.ndarray, has_codes: np.ndarray):
        self.numbers, self.levels = np.flatnonzero(~has_codes), {}
        for d in np.flatnonzero(has_codes):
            values, first, inverse = np.unique(x[:, d], return_index=True, return_inverse=True)
            total = np.where(np.isnan(values), -1.0, np.bincount(inverse.reshape(-1), weights))
            frequent = np.lexsort((first, -total))[: min(MAX_LEVELS, int((total >= 0).sum()))]
            self.levels[int(d)] = values[frequent[np.argsort(first[frequent])]]
        largest = np.nanmax(np.abs(x), initial=0.0)
        # squares of numbers above 1e154 are none
        self.unit = 1.0 if largest < 1e100 else largest
        raw = self._raw(x)
        observed = ~np.isnan(raw)
        count = np.maximum(weights @ observed, np.finfo(float).tiny)
        self.centre = weights @ np.where(observed, raw, 0.0) / count
        variance = weights @ np.square(np.where(observed, raw - self.centre, 0.0)) / count
        begin = len(self.numbers)
        for levels in self.levels.values():
            variance[begin : begin + len(levels)] = variance[begin : begin + len(levels)].sum()
            begin += len(levels)
        spread = np.sqrt(variance)
        self.spread = np.where(spread > 0, spread, 1.0)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return np.nan_to_num((self._raw(rows) - self.centre) / self.spread)

    def _raw(self, rows: np.ndarray) -> np.ndarray:
        """The features before they are standardised, NaN where missing."""
        if not self.levels:
            return rows / self.unit
        parts = [rows[:, self.numbers] / self.unit]
        for d, levels in self.levels.items():
            is_level = rows[:, d, None] == levels
            parts.append(np.where(np.isnan(rows[:, d, None]), np.nan, is_level))
        return np.concatenate(parts, axis=1)


def category_columns(card: Card, keywords: Keywords, table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each column of each array has codes of categories, by name."""
    sites, result = card.sites(keywords), {}
    for name, values in table.items():
        D = int(np.prod(values.shape[1:]))
        result[name] = np.full(D, name in sites and sites[name].kind == "category")
        if card.columns:
            levels = column_levels(keywords.get(card.columns), D)
            result[name] |= np.array([not isinstance(kind, str) and kind > 0 for kind in levels])
    return result
