"""Cross-validation: log p of rows, or of documents, under fits to the other rows.

Rows are divided into folds at random; each fold is held out once, and the engine, with everything it estimates from the
data, is given the others. The score of a size is the mean of log p(x_n | the fit without n) over all rows (Stone 1974;
Smyth 2000, "Model selection for probabilistic clustering using cross-validated likelihood"), exact, with missing values
marginalised out. Documents of a topic model are scored by completion (``inference.topics.perplexity``): the topics of a
held-out document are estimated from one half, and the other half is scored; all sizes have the same folds and halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

import numpy as np
from scipy.special import logsumexp

from inference.analysis.topics.held_out import Perplexity, perplexity
from inference.evaluation.refits import fit_again
from inference.result import Fit
from zoo import ReadModel, ZooError
from zoo.checks import is_whole
from zoo.data.corpus import Corpus
from zoo.data.observed import observed_rows


class Score(TypedDict, total=False):
    """The columns of one size.

    cv: nats a row, or a token. cv_se: its standard error over rows, or documents. cv_behind_se: the standard error of
    the difference from the best size, row by row, in which the variation that all sizes share, most of ``cv_se``,
    cancels. perplexity: per word. note: why there is no score.
    """

    cv: float
    cv_se: float
    cv_behind_se: float
    perplexity: float
    note: str


def make_folds(example: Fit, folds: int | None, seed: int) -> list[np.ndarray]:
    """The rows of each fold; raises ZooError where there are no folds, or too few rows for them."""
    if folds is None:
        raise ZooError("cv fits every size once more for each fold: give folds=5 to compute it")
    N = example.keywords.get("N")
    if N is None:
        raise ZooError(f"cv holds out rows, and {example.model.name} has none (no letter N)")
    if obstacle := refit_obstacle(example):
        raise ZooError(f"cv holds out rows, and {obstacle}")
    if not is_whole(folds) or not 2 <= folds <= N:
        raise ZooError(f"cv divides {N} rows into folds: give folds from 2 to {N}, not {folds!r}")
    return np.array_split(np.random.default_rng(seed).permutation(N), int(folds))


def refit_obstacle(full: Fit) -> str | None:
    """Why rows of a user's program cannot be left out by fits to the others; None where they can."""
    model = full.model
    if not isinstance(model, ReadModel):
        return None
    if not model.reading.rows.entries:
        return f"those of {model.name} cannot be taken in parts"
    if latents := model.card.continuous_in_rows(full.keywords):
        return f"a fit to the others has no {', '.join(latents)} of a row: integrate over it in {model.name}"
    return None


def refit_folds(
    full: Fit, folds: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, Fit, dict[str, np.ndarray | Corpus]]]:
    """For each fold its rows, the fit to the other rows, and the data of the fold."""
    weights = full.options.get("sample_weight")
    for fold in folds:
        rest = np.delete(np.arange(full.keywords["N"]), fold)
        changes = {} if weights is None else {"sample_weight": np.asarray(weights)[rest]}
        yield fold, fit_again(full, full.model, take_site_rows(full, rest), **changes), take_site_rows(full, fold)


def take_site_rows(full: Fit, rows: np.ndarray) -> dict[str, np.ndarray | Corpus]:
    """The data of a fit at some rows; sites without rows are unchanged."""
    sites = full.model.card.sites(full.keywords)

    def take(name: str, values: np.ndarray | Corpus) -> np.ndarray | Corpus:
        if isinstance(values, Corpus):
            return values.take(rows)
        return values[rows] if sites[name].dims[:1] == ("N",) else values

    return {name: take(name, values) for name, values in full.data.items()}


def score_rows(fits: Mapping[int, Fit], folds: Sequence[np.ndarray]) -> tuple[dict[int, Score], float]:
    """The scores of each size, and the total weight of the rows."""
    example = next(iter(fits.values()))
    weights = example.options["sample_weight"]
    weights = np.ones(example.keywords["N"]) if weights is None else np.asarray(weights, float)
    is_observed = observed_rows(example.model.card, example.data, example.keywords)
    weights = weights if is_observed is None else weights * is_observed
    is_counted = weights > 0
    weights = weights[is_counted]
    by_row: dict[int, np.ndarray] = {}
    scores: dict[int, Score] = {}
    for size, full in fits.items():
        try:
            by_row[size] = held_out_log_p(full, folds)[is_counted]
        except ZooError as error:
            scores[size] = {"note": f"cv: {error}"}
    if not by_row:
        return scores, float(weights.sum())
    best = max(by_row.values(), key=lambda rows: weights @ rows)
    for size, rows in by_row.items():
        mean, se = weighted_mean(rows, weights)
        behind_se = weighted_mean(best - rows, weights)[1] if np.isfinite(mean) else np.nan
        note = "" if np.isfinite(mean) else "cv: a held-out row is impossible under the fit: use objective='map'"
        scores[size] = {"cv": mean, "cv_se": se, "cv_behind_se": behind_se, "note": note}
    return scores, float(weights.sum())


def held_out_log_p(full: Fit, folds: Sequence[np.ndarray]) -> np.ndarray:
    """log p of each row under the fit to the rows outside of its fold, (N,); NaN of rows in no fold."""
    log_p = np.full(full.keywords["N"], np.nan)
    for fold, partial, data in refit_folds(full, folds):
        log_p[fold] = log_mean_over_draws(partial.log_likelihood(data))
    return log_p


def log_mean_over_draws(log_p: np.ndarray) -> np.ndarray:
    """The log of the mean density of each row over the draws, (N,), from (chain, draw, N); a point has one, (N,).

    >>> log_mean_over_draws(np.log([[[1.0], [3.0]]])).round(6)
    array([0.693147])
    """
    if log_p.ndim == 1:
        return log_p
    return logsumexp(log_p, axis=(0, 1)) - np.log(log_p.shape[0] * log_p.shape[1])


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The weighted mean of values and its standard error; (-inf, NaN) where a value is -inf.

    >>> weighted_mean(np.array([1.0, 3.0]), np.ones(2))
    (2.0, 0.7071067811865476)
    """
    mean = float(np.average(values, weights=weights))
    if not np.isfinite(mean):
        return mean, np.nan
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights) / weights.sum()))


def score_documents(fits: Mapping[int, Fit], folds: Sequence[np.ndarray], seed: int) -> tuple[dict[int, Score], float]:
    """The scores of each size, and the number of tokens that were scored."""
    evaluated: dict[int, Perplexity] = {}
    scores: dict[int, Score] = {}
    for size, full in fits.items():
        try:
            evaluated[size] = held_out_perplexity(full, folds, seed)
        except ZooError as error:
            scores[size] = {"note": f"cv: {error}"}
    if not evaluated:
        return scores, np.nan
    best = max(evaluated.values(), key=lambda one: one.nats_per_token)
    for size, one in evaluated.items():
        scores[size] = {
            "cv": one.nats_per_token,
            "cv_se": one.standard_error_nats,
            "cv_behind_se": best.better_than(one).standard_error,
            "perplexity": one.per_word,
        }
    return scores, float(best.tokens.sum())


def held_out_perplexity(full: Fit, folds: Sequence[np.ndarray], seed: int) -> Perplexity:
    """Every document scored once, under the fit to the other folds."""
    parts = []
    for _, partial, data in refit_folds(full, folds):
        (documents,) = data.values()
        parts.append(perplexity(partial, documents, seed=seed))
    order = np.argsort(np.concatenate(folds))
    log_p, tokens, errors = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("log_likelihood", "tokens", "errors")
    )
    return Perplexity(log_p, tokens, errors, parts[0].method, seed)
