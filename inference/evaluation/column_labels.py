"""Names of the columns of observed sites, for tables and figures."""

from __future__ import annotations

import numpy as np

from inference.result import Fit


def column_labels(fit: Fit, x: np.ndarray, value: np.ndarray) -> list[str]:
    """The ends of the names of a statistic, one for each column where it has one for each."""
    if value.size == 1:
        return [""]
    labels = fit.column_labels or ()
    if value.size == x.shape[-1] and len(labels) == value.size:
        return [f" of {c}" for c in labels]
    return [f"[{i}]" for i in range(value.size)]
