"""The scores of one metric with ceilings, floors and intervals, and which metrics suit the factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from inference.analysis.disentanglement.metrics import Metric, all_metrics
from inference.analysis.disentanglement.record import Score
from inference.analysis.disentanglement.rows import CodesAndFactors, Factor
from zoo.errors import ZooError, unknown

FAST_ROWS, FAST_RESAMPLES = 2000, 5  # of costly metrics, in the fast tier
MIN_RESAMPLED_ROWS = 40  # fewer have no interval
LEVEL = 0.95


def choose_metrics(names: Sequence[str] | None, rows: CodesAndFactors) -> tuple[list[Metric], dict[str, str]]:
    """The metrics to compute, and the reasons for those that are left out; raises ZooError for an unsuitable one."""
    known = all_metrics()
    listed = list(known) if names is None else [names] if isinstance(names, str) else list(names)
    chosen, skipped = [], {}
    for name in listed:
        if name not in known:
            raise unknown("metric", name, list(known))
        reason = misfit(known[name], rows.factors, rows.sd is not None)
        if reason is None:
            chosen.append(known[name])
        elif names is not None:
            raise ZooError(f"{name} {reason}")
        else:
            skipped[name] = reason
    if not chosen:
        raise ZooError(f"no metric is named: give some of {', '.join(known)}")
    return chosen, skipped


def misfit(metric: Metric, factors: Sequence[Factor], has_sd: bool) -> str | None:
    """Why a metric does not suit codes and factors; None where it does."""
    continuous = [f.name for f in factors if not f.is_discrete]
    if continuous and not metric.takes_continuous:
        return (
            f"is for discrete factors, and {', '.join(continuous)} {'is' if len(continuous) == 1 else 'are'} "
            "continuous: leave it out, or give the factor in groups (numpy.digitize)"
        )
    if metric.needs_sd and not has_sd:
        return "is of posteriors: give (mean, sd) as codes"
    return None


def resamples_of(metric: Metric, rows: CodesAndFactors, num_resamples: int | None) -> int:
    """The number of half-samples of a metric: none for a few rows, two at least otherwise."""
    default = FAST_RESAMPLES if rows.fast and metric.is_costly else metric.num_resamples
    count = default if num_resamples is None else num_resamples
    return max(2, count) if count and len(rows.codes) >= MIN_RESAMPLED_ROWS else 0


def score(
    metric: Metric, rows: CodesAndFactors, count: int, update: Callable[[int], None]
) -> tuple[list[Score], np.ndarray | None]:
    """The scores of a metric with ceilings, floors and intervals, and its matrix."""
    if rows.fast and metric.is_costly and len(rows.codes) > FAST_ROWS:
        rows = rows.take(np.sort(rows.rng(6).permutation(len(rows.codes))[:FAST_ROWS]), rows.seed)
    N = len(rows.codes)
    value = metric.values(rows)
    update(1)
    ceiling = metric.values(rows.perfect()).scores
    update(2)
    floor = metric.values(rows.permuted()).scores
    update(3)
    rng, halves = rows.rng(7), []
    for b in range(count):
        index = np.sort(rng.permutation(N)[: N // 2])
        if any((f.labels[index] == f.labels[index[0]]).all() for f in rows.factors):
            continue  # a rare value is not among these rows
        halves.append(metric.values(rows.take(index, int(rng.integers(2**31)))).scores)
        update(4 + b)
    return [
        Score(
            metric=metric.name,
            name=name,
            value=number,
            interval=interval_of(number, [half[name] for half in halves]),
            ceiling=ceiling[name],
            floor=floor[name],
            num_resamples=len(halves),
            num_rows=N,
            definition=metric.scores[name],
            citation=metric.citation,
        )
        for name, number in value.scores.items()
    ], value.matrix


def interval_of(value: float, halves: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a score from 0 to 1 by the scores of half-samples; NaN without any.

    >>> interval_of(0.5, [0.25, 0.25, 0.25])
    (0.5, 0.5)
    """
    from scipy.stats import t

    defined = [half for half in halves if np.isfinite(half)]
    if len(defined) < 2 or np.isnan(value):
        return float("nan"), float("nan")
    reach = t.ppf((1 + LEVEL) / 2, len(defined) - 1) * np.std(defined, ddof=1)
    return max(min(0.0, value), float(value - reach)), min(max(1.0, value), float(value + reach))
