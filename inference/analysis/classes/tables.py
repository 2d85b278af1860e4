"""Tables of latent classes: what each class answers, and how covariates change the odds of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.classes.inputs import class_parameters, column_titles, items_of, level_titles
from inference.record import FitRecord
from zoo import ZooError
from zoo.data.column_kinds import column_levels
from zoo.data.columns import COVARIATE

if TYPE_CHECKING:
    import pandas as pd


def profiles(fit: FitRecord, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The distribution of each column in each class.

    Parameters
    ----------
    fit : Fit
        Fit of a model of latent classes.
    columns : sequence of str, optional
        Names of the columns; by default those of the DataFrame that was fitted, else numbers.

    Returns
    -------
    pandas.DataFrame
        A row for each level of a category, with its probability, and the rows "mean" and "sd" of a number or count; a
        column for each class. The first row is the size of the classes, at the mean covariates where there are some.
        Of draws the means.

    Raises
    ------
    ZooError
        If the model has no classes with independent columns.
    """
    import pandas as pd

    params = class_parameters(fit)
    items = items_of(fit, params)
    titles = column_titles(fit, columns, items.mean.shape[-1])
    rows: dict[tuple[str, object], np.ndarray] = {("class", "size"): params["pi"].mean(0)}
    for d, title in enumerate(titles):
        if d in items.probabilities:
            p = items.probabilities[d].mean(0)
            rows |= {(title, level): p[:, i] for i, level in enumerate(level_titles(fit, d, p.shape[1]))}
        elif np.isfinite(items.mean[..., d]).all():
            rows[title, "mean"] = items.mean[..., d].mean(0)
            rows[title, "sd"] = np.sqrt(items.variance[..., d].mean(0))
    index = pd.MultiIndex.from_tuples(list(rows), names=["column", "level"])
    return pd.DataFrame(np.stack(list(rows.values())), index=index).rename_axis(columns="class")


def coefficients(fit: FitRecord, *, reference: int = 0, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Coefficients of the covariates in the log-odds of each class against a reference class.

    Parameters
    ----------
    fit : Fit
        Fit of ``mixed_latent_class`` with covariates.
    reference : int, default 0
        The class with whose probability the others are compared.
    columns : sequence of str, optional
        Names of the columns; by default those of the DataFrame that was fitted, else numbers.

    Returns
    -------
    pandas.DataFrame
        The row "intercept", at covariates of 0, and one for each covariate, in nats per unit of it; a column for each
        other class. Of draws the means.

    Raises
    ------
    ZooError
        If the model has no covariates, or no such class.
    """
    import pandas as pd

    params = class_parameters(fit)
    if "odds" not in params:
        raise ZooError(f'{fit.model.name} was fitted without covariates: name some as "covariate" in columns')
    D, K = fit.keywords["D"], params["pi"].shape[-1]
    if not 0 <= reference < K:
        raise ZooError(f"reference is a class from 0 to {K - 1}; given {reference}")
    kinds, titles = column_levels(fit.keywords["columns"], D), column_titles(fit, columns, D)
    mean, sd = (np.broadcast_to(fit.keywords[f"covariate_{n}"], params["odds"].shape[1]) for n in ("mean", "sd"))
    slopes = np.log(params["odds"]) / sd[:, None]  # (draws, P, K)
    intercept = np.log(params["pi"]) - np.einsum("p,spk->sk", mean, slopes)
    table = np.concatenate([intercept[:, None], slopes], axis=1)
    contrast = (table - table[..., [reference]]).mean(0)
    index = ["intercept", *(title for title, kind in zip(titles, kinds, strict=True) if kind == COVARIATE)]
    frame = pd.DataFrame(contrast, index=pd.Index(index, name="covariate")).rename_axis(columns="class")
    return frame.drop(columns=reference)
