"""Missing values of rows given the rest of the row: mixtures over the classes, exact given the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.classes.inputs import class_parameters, column_titles, items_of, level_titles
from inference.exact import enumeration
from inference.record import FitRecord
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd


def impute(fit: FitRecord, data: DataLike = None, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The distribution of each missing value given the rest of its row.

    Exact for the model; where the fit has draws it includes the uncertainty of the parameters.

    Parameters
    ----------
    fit : Fit
        Fit of a model of latent classes.
    data : optional
        A table as ``inference.fit`` takes it; the data of the fit by default.
    columns : sequence of str, optional
        Names of the columns; by default those of the DataFrame that was fitted, else numbers.

    Returns
    -------
    pandas.DataFrame
        One row for each missing value, with columns ``row``, ``column``, ``value``, ``probability`` and ``sd``: of a
        category the most probable level and its probability, of a number or count the mean and standard deviation.

    Raises
    ------
    ZooError
        If the model has no classes with independent columns, or the data do not fit it.
    """
    import pandas as pd

    x, cells = missing_values(fit, data)
    titles = column_titles(fit, columns, x.shape[1])
    rows = []
    for (n, d), (code, probability, sd) in cells.items():
        levels = level_titles(fit, d, int(code) + 1) if np.isfinite(probability) else None
        rows.append((n, titles[d], code if levels is None else levels[int(code)], probability, sd))
    return pd.DataFrame(rows, columns=["row", "column", "value", "probability", "sd"])


def fill_missing(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """The table with each missing value replaced by its mean, or its most probable level, given the rest of the row.

    Such a table varies less than complete data would: ``impute`` has the uncertainty.

    Parameters
    ----------
    fit : Fit
        Fit of a model of latent classes.
    data : optional
        A table as ``inference.fit`` takes it; the data of the fit by default.

    Returns
    -------
    numpy.ndarray
        Table of shape (N, D), with categories as whole numbers.

    Raises
    ------
    ZooError
        If the model has no classes with independent columns, or the data do not fit it.
    """
    x, cells = missing_values(fit, data)
    complete = x.copy()
    for (n, d), (value, _, _) in cells.items():
        complete[n, d] = value
    return complete


Cell = tuple[float, float, float]  # mean or code, probability of the code, standard deviation


def missing_values(fit: FitRecord, data: DataLike) -> tuple[np.ndarray, dict[tuple[int, int], Cell]]:
    """The table, and for each missing value its mean or most probable code, its probability, and its sd."""
    params = class_parameters(fit)
    items = items_of(fit, params)
    table, _ = fit.fitted_model.bind(fit.observed_data() if data is None else data)
    ((name, x),) = table.items()
    incomplete = np.flatnonzero(np.isnan(x).any(1))
    cells: dict[tuple[int, int], Cell] = {}
    if not len(incomplete):
        return x, cells
    draws = {n: v[None] for n, v in params.items()}
    (responsibility,) = enumeration.responsibilities(fit.fitted_model, draws, {name: x[incomplete]}).values()
    r = responsibility[0]  # (draws, rows, K)
    for i, n in enumerate(incomplete):
        for d in np.flatnonzero(np.isnan(x[n])):
            if int(d) in items.probabilities:
                p = np.einsum("sk,skl->l", r[:, i], items.probabilities[int(d)]) / len(r)
                cells[int(n), int(d)] = (float(p.argmax()), float(p.max()), np.nan)
            else:
                mean = (r[:, i] * items.mean[..., d]).sum() / len(r)
                second = (r[:, i] * (items.variance[..., d] + items.mean[..., d] ** 2)).sum() / len(r)
                cells[int(n), int(d)] = (float(mean), np.nan, float(np.sqrt(second - mean**2)))
    return x, cells
