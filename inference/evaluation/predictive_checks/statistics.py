"""Statistics of a data set for each kind of data; missing values are left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Statistic = Callable[[np.ndarray], float | np.ndarray]


def columns(x: np.ndarray, has_columns: bool) -> np.ndarray:
    """The values as (values, columns)."""
    return x.reshape(-1, x.shape[-1]) if has_columns and x.ndim > 1 else x.reshape(-1, 1)


def skewness(x: np.ndarray) -> np.ndarray:
    """The third standardised moment of each column; 0 of a constant one."""
    centred = x - np.nanmean(x, 0)
    sd = np.nanstd(x, 0)
    return np.nanmean(centred**3, 0) / np.where(sd > 0, sd, 1.0) ** 3


def autocorrelation(x: np.ndarray) -> float:
    """The correlation of neighbouring steps, of sequences (N, T, ...), columns centred."""
    centred = x - np.nanmean(x, axis=(0, 1), keepdims=True)
    products = centred[:, 1:] * centred[:, :-1]
    return float(np.nanmean(products) / max(float(np.nanmean(centred**2)), 1e-300))


def largest_correlation(x: np.ndarray) -> float:
    """The largest absolute correlation between two columns, rows without missing values."""
    complete = x[~np.isnan(x).any(1)]
    if len(complete) < 2:
        return np.nan
    with np.errstate(all="ignore"):
        matrix = np.abs(np.corrcoef(complete.T))
    return float(np.nanmax(np.nan_to_num(matrix[np.triu_indices(len(matrix), 1)])))


MOMENTS: dict[str, Statistic] = {
    "mean": lambda x: np.nanmean(x, 0),
    "sd": lambda x: np.nanstd(x, 0),
    "min": lambda x: np.nanmin(x, 0),
    "max": lambda x: np.nanmax(x, 0),
    "skewness": skewness,
}
COUNTS: dict[str, Statistic] = {
    "mean": MOMENTS["mean"],
    "variance / mean": lambda x: np.nanvar(x, 0) / np.maximum(np.nanmean(x, 0), 1e-300),
    "zeros": lambda x: np.nanmean(np.where(np.isnan(x), np.nan, x == 0), 0),
    "max": MOMENTS["max"],
}
SHARES: dict[str, Statistic] = {"mean": MOMENTS["mean"]}


def statistics_of(kind: str, is_sequence: bool, num_columns: int) -> dict[str, Statistic]:
    """The statistics of data of a kind, by name; of values as ``columns`` has them, but those of sequences."""
    chosen = dict({"count": COUNTS, "binary": SHARES, "category": {}}.get(kind, MOMENTS))
    if num_columns > 1 and kind != "category":
        chosen["largest correlation"] = largest_correlation
    if is_sequence and kind != "category":
        chosen["autocorrelation"] = autocorrelation
    return chosen


def category_shares(values: np.ndarray) -> dict[str, Statistic]:
    """The share of each category that the data has."""

    def share(level: float) -> Statistic:
        return lambda x: np.nanmean(np.where(np.isnan(x), np.nan, x == level), 0)

    return {f"share of {level:g}": share(level) for level in np.unique(values[~np.isnan(values)])}
