"""Labels by k-means, from which EM, SVI and NUTS begin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans

from zoo import ZooError

MAX_ROWS = 20_000  # rows on which the centres are fitted; the other rows are labelled by them


def kmeans_labels(table: Mapping[str, np.ndarray], K: int, seed: int) -> np.ndarray:
    """A label from 0 to K - 1 for each row, (N,): k-means++ (Arthur and Vassilvitskii 2007) on standardised columns.

    Missing values count as their column's mean. Raises ZooError where fewer than K rows differ.
    """
    columns = [v.reshape(len(v), -1) for v in table.values()]
    N = len(columns[0])
    if N < K:
        raise ZooError(f"K={K} components need at least {K} rows, and there are {N}: take K={N} or fewer")
    rng = np.random.default_rng(seed)
    x = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
    centre = np.array([np.nanmean(c) if (~np.isnan(c)).any() else 0.0 for c in x.T])
    spread = np.array([np.nanstd(c) if (~np.isnan(c)).any() else 0.0 for c in x.T])

    def standardise(rows: np.ndarray) -> np.ndarray:
        return np.nan_to_num((rows - centre) / np.where(spread > 0, spread, 1.0))

    sample = standardise(x if N <= MAX_ROWS else x[rng.choice(N, MAX_ROWS, replace=False)])
    if K > 1 and len(np.unique(sample, axis=0)) < K:
        raise ZooError(
            f"K={K} components need {K} different rows, and there are {len(np.unique(sample, axis=0))}: lower K"
        )
    kmeans = KMeans(K, n_init=1, max_iter=50, random_state=int(rng.integers(2**31))).fit(sample)
    # in blocks, so that there is no standardised copy of all the rows
    return np.concatenate([kmeans.predict(standardise(x[i : i + MAX_ROWS])) for i in range(0, N, MAX_ROWS)])
