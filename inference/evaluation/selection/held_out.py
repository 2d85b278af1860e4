"""Cross-validation: the exact log p of rows that a fit did not see.

Rows are dealt into folds at random; each fold is held out once, and EM, with everything it reads off the data, sees the
others alone. The score of a size is the mean of log p(x_n | the fit without n) over all rows (Stone 1974; Smyth 2000,
"Model selection for probabilistic clustering using cross-validated likelihood"), missing values left out exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.fitting import fit
from inference.result import Fit
from zoo import ZooError


def deal(any_fit: Fit, folds: int | None, seed: int) -> list[np.ndarray]:
    """The rows of each fold. Raises ZooError where folds are none or there are not the rows for them."""
    if folds is None:
        raise ZooError("cv fits every size once more for each fold: give folds=5 to have it")
    N = any_fit.keywords.get("N")
    if N is None:
        raise ZooError(f"cv holds out rows, and {any_fit.model.name} has none (no letter N)")
    if not isinstance(folds, int | np.integer) or not 2 <= folds <= N:
        raise ZooError(f"cv deals {N} rows into folds: give folds from 2 to {N}, not {folds!r}")
    return np.array_split(np.random.default_rng(seed).permutation(N), int(folds))


def scores(fits: dict[int, Fit], dealt: list[np.ndarray]) -> tuple[dict[int, dict[str, Any]], float]:
    """For each size ``cv``, nats a row; ``cv_se``, its standard error; ``cv_behind_se``; and how many rows there are.

    The last is the standard error of how far a size is behind the best, row by row: what rows have in common at all
    sizes, which is most of ``cv_se``, cancels there.
    """
    any_fit = next(iter(fits.values()))
    weights = any_fit.options["sample_weight"]
    weights = np.ones(any_fit.keywords["N"]) if weights is None else np.asarray(weights, float)
    by_row: dict[int, np.ndarray] = {}
    found: dict[int, dict[str, Any]] = {}
    for size, one in fits.items():
        try:
            by_row[size] = log_p(one, dealt)
        except ZooError as error:
            found[size] = {"note": f"cv: {error}"}
    best = max(by_row.values(), key=lambda rows: weights @ rows, default=None)
    for size, rows in by_row.items():
        mean, se = mean_and_error(rows, weights)
        behind_se = mean_and_error(best - rows, weights)[1] if np.isfinite(mean) else np.nan
        note = "" if np.isfinite(mean) else "cv: a held-out row is impossible under the fit: use objective='map'"
        found[size] = {"cv": mean, "cv_se": se, "cv_behind_se": behind_se, "note": note}
    return found, float(weights.sum())


def log_p(whole: Fit, dealt: list[np.ndarray]) -> np.ndarray:
    """log p of each row under the fit to the folds it is not in, (N,)."""
    sites = whole.model.card.sites(whole.keywords)
    weights = whole.options["sample_weight"]

    def of(rows: np.ndarray) -> dict[str, np.ndarray]:
        return {n: v[rows] if sites[n].dims[:1] == ("N",) else v for n, v in whole.data.items()}

    found = np.empty(whole.keywords["N"])
    for fold in dealt:
        seen = np.delete(np.arange(len(found)), fold)
        options = {**whole.options, "sample_weight": None if weights is None else np.asarray(weights)[seen]}
        part = fit(whole.model, of(seen), "em", seed=whole.seed, device=whole.device, dtype=whole.dtype, **options)
        found[fold] = part.log_likelihood(of(fold))
    return found


def mean_and_error(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The mean of values, each counted by its weight, and its standard error; (-inf, NaN) where one is -inf."""
    mean = float(np.average(values, weights=weights))
    if not np.isfinite(mean):
        return mean, np.nan
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights) / weights.sum()))
