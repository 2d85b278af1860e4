"""``report``: scores of codes or of a fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis.disentanglement.inputs import dead_dimensions, make_rows, read_codes, read_factors
from inference.analysis.disentanglement.record import TRAVERSAL_SPAN, TRAVERSAL_STEPS
from inference.analysis.disentanglement.result import DisentanglementReport
from inference.analysis.disentanglement.scoring import choose_metrics, resamples_of, score
from inference.analysis.latents import encode, traverse
from inference.record import FitRecord
from inference.run.progress import Progress
from zoo.checks import check_whole
from zoo.errors import ZooError
from zoo.types import DataLike


def report(
    codes: FitRecord | ArrayLike | tuple[ArrayLike, ArrayLike],
    data: Any = None,
    factors: Any = None,
    *,
    metrics: Sequence[str] | None = None,
    continuous: Collection[str | int] | None = None,
    fast: bool = False,
    num_resamples: int | None = None,
    min_range: float = 0.05,
    group: str | None = None,
    seed: int = 0,
    progress: bool = False,
) -> DisentanglementReport:
    """How well each dimension of a code goes with one factor of the data: ``report(codes, factors)``.

    Every score is beside its ceiling, that of a code whose dimensions are the factors themselves, and its floor, that
    of the same codes with their rows permuted. Dead dimensions are left out of all scores.

    Parameters
    ----------
    codes : array (N, Z), pair of arrays (mean, sd), or Fit
        Codes, or posteriors, as ``latents.encode`` returns them; or a fit with an encoder, as
        ``report(fit, data, factors)``.
    data : optional
        For a fit its rows, as ``latents.encode`` takes them, the fit's data by default. Otherwise the factors.
    factors : DataFrame, dict of columns, array (N, K), or ``datasets.factors(name)``
        Two factors or more, numbers or words. A factor of words, or of at most 50 different numbers, is discrete.
    metrics : sequence of str, optional
        Names of metrics, as ``disentanglement.all_metrics()`` lists them; by default all that suit the factors.
    continuous : collection of str or int, optional
        The continuous factors, by name or number; all others are discrete. By default those of more than 50 different
        numbers, or more than half the number of rows.
    fast : bool, default False
        Whether DCI is by a random forest, and costly metrics are of at most 2000 rows.
    num_resamples : int, optional
        Half-samples by which the intervals are computed, 0 for none; by default 10 to 100, more for cheaper metrics;
        5 of costly metrics if ``fast``.
    min_range : float, default 0.05
        The range of the values of a dimension, relative to the largest one, up to which it is dead. Of posteriors,
        those are dead whose divergence from the prior is below 0.01 nats.
    group : str, optional
        For a fit with several groups of latents, the one whose codes are scored, as "z1".
    seed : int, default 0
        Seed of splits, permutations, half-samples and draws.
    progress : bool, default False
        Whether to show a progress bar on stderr.

    Returns
    -------
    DisentanglementReport
        Scores, with ``table``, ``figure()`` and ``print``.

    Raises
    ------
    ZooError
        For codes that are not finite, one factor, constant factors, more factors than rows, no active dimension, and
        a metric that does not suit the factors.

    Notes
    -----
    An interval is the score and a quantile of Student's t times the standard deviation of the scores of random halves
    of the rows. Half-samples without replacement have the variance of the bootstrap (a delete-half jackknife: Shao and
    Wu 1989), and no row twice, which estimates by nearest neighbours and by learners do not allow.

    References
    ----------
    Locatello, F. et al. (2019). Challenging common assumptions in the unsupervised learning of disentangled
    representations. ICML 36. The references of the metrics are in the table of the report.

    Examples
    --------
    >>> codes = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> report(codes, codes, metrics=["mig", "sap_r2"]).table["score"].tolist()
    [1.0, 1.0]
    """
    fit = codes if isinstance(codes, FitRecord) else None
    if fit is not None:
        if factors is None:
            raise ZooError("a fit is followed by its data and the factors: report(fit, data, factors)")
        pair = posterior_of(fit, data, group)
    else:
        if group is not None:
            raise ZooError("group names latents of a fit; given codes: give those of the group")
        if (data is None) == (factors is None):
            raise ZooError("codes are followed by their factors alone: report(codes, factors)")
        pair, factors = codes, data if factors is None else factors
    check_whole(0, seed=seed, **({} if num_resamples is None else {"num_resamples": num_resamples}))
    mean, sd = read_codes(pair)
    columns = read_factors(factors, len(mean), continuous)
    dead = dead_dimensions(mean, sd, min_range)
    rows = make_rows(mean, sd, columns, dead, seed, fast)
    chosen, skipped = choose_metrics(metrics, rows)
    counts = [resamples_of(metric, rows, num_resamples) for metric in chosen]
    scores, matrices = [], {}
    with Progress("scores", sum(counts) + 3 * len(chosen), progress) as bar:
        done = 0
        for metric, count in zip(chosen, counts, strict=True):
            of_metric, matrix = score(metric, rows, count, lambda step, m=metric, d=done: bar.update(d + step, m.name))
            scores += of_metric
            done += count + 3
            if matrix is not None:
                matrices[metric.name] = with_dead(matrix, dead)
    return DisentanglementReport(
        scores=tuple(scores),
        factors=tuple(f.name for f in columns),
        is_discrete=tuple(f.is_discrete for f in columns),
        num_rows=len(mean),
        num_dimensions=mean.shape[1],
        dead=dead,
        skipped=skipped,
        matrices=matrices,
        fast=fast,
        traversals=None if fit is None else images_of(fit, mean, dead, group),
    )


def with_dead(matrix: np.ndarray, dead: dict[int, str]) -> np.ndarray:
    """The matrix of active dimensions with a row of NaN for each dead one."""
    Z = len(matrix) + len(dead)
    full = np.full((Z, matrix.shape[1]), np.nan)
    full[[j for j in range(Z) if j not in dead]] = matrix
    return full


def posterior_of(fit: FitRecord, data: DataLike, group: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of the codes of rows; raises ZooError where a group is needed."""
    code = encode(fit, data) if group is None else encode(fit, data, group=group)
    if isinstance(code, dict):
        raise ZooError(f"the fit has the groups of latents {', '.join(code)}: name one, group={next(iter(code))!r}")
    return code.mean, code.sd


def images_of(
    fit: FitRecord, mean: np.ndarray, dead: dict[int, str], group: str | None
) -> dict[int, np.ndarray] | None:
    """Traversals of the active dimensions from the mean of the prior; None where the rows have no codes to decode."""
    active = [j for j in range(mean.shape[1]) if j not in dead]
    try:
        return traverse(fit, dims=active, span=TRAVERSAL_SPAN, steps=TRAVERSAL_STEPS, group=group)
    except ZooError:
        return None
