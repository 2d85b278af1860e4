"""Labels by k-means, from which EM, SVI and NUTS begin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans

from zoo import ZooError

TOLERANCE = 1e-4  # of the variance: the squared movement of the centres at which k-means stops
MAX_ROWS = 20_000  # rows on which the centres are fitted; the other rows are labelled by them


def kmeans_labels(table: Mapping[str, np.ndarray], K: int, seed: int, weights: np.ndarray | None = None) -> np.ndarray:
    """A label from 0 to K - 1 for each row, (N,): k-means++ (Arthur and Vassilvitskii 2007) on standardised columns.

    weights: (N,), above 0; a row of weight w counts as w rows. Missing values count as their column's mean. Raises
    ZooError where fewer than K rows differ.
    """
    columns = [v.reshape(len(v), -1) for v in table.values()]
    N = len(columns[0])
    if N < K:
        raise ZooError(f"K={K} components need at least {K} rows, and there are {N}: take K={N} or fewer")
    rng = np.random.default_rng(seed)
    x = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
    w = np.ones(N) if weights is None else weights
    observed = ~np.isnan(x)
    count = np.maximum(w @ observed, np.finfo(float).tiny)
    centre = w @ np.where(observed, x, 0.0) / count
    spread = np.sqrt(w @ np.square(np.where(observed, x - centre, 0.0)) / count)

    def standardise(rows: np.ndarray) -> np.ndarray:
        return np.nan_to_num((rows - centre) / np.where(spread > 0, spread, 1.0))

    chosen = np.arange(N) if N <= MAX_ROWS else rng.choice(N, MAX_ROWS, replace=False)
    sample, w = standardise(x if N <= MAX_ROWS else x[chosen]), w[chosen]
    if K > 1 and len(np.unique(sample, axis=0)) < K:
        raise ZooError(
            f"K={K} components need {K} different rows, and there are {len(np.unique(sample, axis=0))}: lower K"
        )
    # scikit-learn's tolerance is relative to the variance of the rows without their weights
    variance = np.average(np.square(sample - np.average(sample, 0, w)), 0, w).mean()
    tol = TOLERANCE * variance / max(sample.var(0).mean(), np.finfo(float).tiny)
    kmeans = KMeans(K, n_init=1, max_iter=50, tol=tol, random_state=int(rng.integers(2**31))).fit(
        sample, sample_weight=w
    )
    # in blocks, so that there is no standardised copy of all the rows
    return np.concatenate([kmeans.predict(standardise(x[i : i + MAX_ROWS])) for i in range(0, N, MAX_ROWS)])
