"""``report``, and what it returns: the record with its tables and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from inference.analysis import latents
from inference.analysis.fairness import charts, tables
from inference.analysis.fairness.inputs import check_data
from inference.analysis.fairness.measures import collect_cells, measure
from inference.analysis.fairness.prediction import PREDICTORS, predict_rows
from inference.analysis.fairness.record import FairnessRecord
from inference.record import FitRecord
from zoo.checks import check_seed, check_whole
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_BOOTSTRAP = 100  # samples, of which the quantiles of an interval can be taken


@dataclass(frozen=True)
class FairnessReport(FairnessRecord):
    """The result of ``report``: the fields of ``FairnessRecord``, with tables, a text and a figure."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each predictor, measure and set of codes: value, low and high of its 95% interval, and chance.

        chance: the measure of a prediction without codes.
        """
        return tables.table_by_measure(self)

    @cached_property
    def group_table(self) -> pd.DataFrame:
        """A row for each predictor, set of codes and group: its rows, those recorded as positive, and rates.

        rates: rows predicted to be positive, as a share of the group; true_positive_rates: the same of those recorded
        as positive. Both have 95% intervals, from _low to _high.
        """
        return tables.table_by_group(self)

    def figure(self) -> Figure:
        """Plot how well the attribute is predicted, the differences between groups, and the accuracy.

        Returns
        -------
        Figure
            Three panels, with a line for each predictor and set of codes.
        """
        return charts.plot_measures(self)

    def __str__(self) -> str:
        return tables.plain_text(self)


def report(
    codes: ArrayLike | FitRecord,
    data: DataLike = None,
    *,
    sensitive: ArrayLike,
    target: ArrayLike,
    coordinates: Sequence[int] = (0,),
    positive: object = None,
    folds: int = 5,
    num_bootstrap: int = 1000,
    min_rows: int = 20,
    seed: int = 0,
) -> FairnessReport:
    """What codes show of a sensitive attribute, and how predictions from them treat its groups.

    All codes are compared with the coordinates other than those that carry the attribute. Predictors are a logistic
    regression and boosted trees; each row is predicted by one that was trained without it.

    Parameters
    ----------
    codes : array_like or Fit
        Codes (N, Z), finite; or a fit with an encoder, whose code means are used.
    data : optional
        For a fit: rows as in ``inference.latents.encode``; the fit's data by default.
    sensitive : array_like
        The group of each row, numbers or words, (N,); two groups or more.
    target : array_like
        What is predicted, with two values, (N,).
    coordinates : sequence of int, default (0,)
        The coordinates that carry the attribute: some of 0 to Z - 1, not all.
    positive : optional
        The value of ``target`` that counts as positive; the larger one by default.
    folds : int, default 5
        Of the cross-fitting, 2 or more.
    num_bootstrap : int, default 1000
        Samples of rows for the intervals, 100 or more.
    min_rows : int, default 20
        Rows that each group must have of each value of the target, 2 or more.
    seed : int, default 0
        Seed of folds, trees and bootstrap samples.

    Returns
    -------
    FairnessReport
        Print it for the tables and what they do and do not show; ``table``, ``group_table``, ``figure()``.

    Raises
    ------
    ZooError
        For codes that are not finite numbers (N, Z), an attribute with one value, a target that does not have two,
        missing values, wrong lengths, groups with fewer rows than ``min_rows``, or coordinates that are not those of
        the codes.

    References
    ----------
    Hardt, M., Price, E. and Srebro, N. (2016). Equality of opportunity in supervised learning. NeurIPS 29.
    Creager, E. et al. (2019). Flexibly fair representation learning by disentanglement. ICML, 1436-1445.
    """
    check_whole(2, folds=folds, min_rows=min_rows)
    check_whole(MIN_BOOTSTRAP, num_bootstrap=num_bootstrap)
    check_seed(seed)
    if isinstance(codes, FitRecord):
        numbers = latents.encode(codes, data).mean
    elif data is not None:
        raise ZooError("data belongs to a fit; with codes (N, Z) give sensitive= and target= by name, and no data")
    else:
        numbers = codes
    problem = check_data(numbers, sensitive, target, coordinates, positive, min_rows)
    G = len(problem.groups)
    predictors = {}
    for predictor in PREDICTORS:
        columns = predict_rows(problem, predictor, folds, seed)
        predictors[predictor] = measure(collect_cells(problem, columns, num_bootstrap, seed))
    return FairnessReport(
        sensitive=problem.sensitive,
        target=problem.target,
        positive=problem.positive,
        groups=problem.groups,
        counts=np.bincount(problem.group, minlength=G),
        positives=np.bincount(problem.group[problem.outcome], minlength=G),
        coordinates=problem.coordinates,
        num_dimensions=problem.codes.shape[1],
        predictors=predictors,
        folds=folds,
        num_bootstrap=num_bootstrap,
        seed=seed,
    )
