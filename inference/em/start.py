"""Where EM, SVI and NUTS begin: labels by k-means from a k-means++ start."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import ZooError

ENOUGH = 20_000  # rows on which centres are sought; the rest are labelled by them


def labels(table: Mapping[str, np.ndarray], K: int, seed: int) -> np.ndarray:
    """A label from 0 to K - 1 for each row, (N,): k-means (Arthur and Vassilvitskii 2007) on standardised columns.

    Missing values count as their column's mean. Raises ZooError where fewer than K rows differ.
    """
    from sklearn.cluster import KMeans

    x = np.concatenate([v.reshape(len(v), -1) for v in table.values()], axis=1)
    centre, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    x = np.nan_to_num((x - centre) / np.where(spread > 0, spread, 1.0))
    if len(x) < K:
        raise ZooError(f"K={K} components need at least {K} rows, and there are {len(x)}: take K={len(x)} or fewer")
    rng = np.random.default_rng(seed)
    some = x if len(x) <= ENOUGH else x[rng.choice(len(x), ENOUGH, replace=False)]
    if K > 1 and len(np.unique(some, axis=0)) < K:
        raise ZooError(f"K={K} components need {K} different rows, and there are {len(np.unique(some, axis=0))}: lower K")
    found = KMeans(K, n_init=1, max_iter=50, random_state=int(rng.integers(2**31))).fit(some)
    return np.asarray(found.predict(x))
