"""Columns of covariates of a fit's data, which rows that are drawn again keep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Model
from zoo.data.columns import COVARIATE
from zoo.types import Keywords


def given_covariates(model: Model, keywords: Keywords, table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The setting ``covariates`` by which simulated rows have those of the data, {} where the model has none.

    Parameters
    ----------
    model : zoo.Model
    keywords : dict
        Those of the fit.
    table : dict of str to array
        The data by site.

    Returns
    -------
    dict
        ``{"covariates": array}``, (N, P), or (N, T, P) of sequences.
    """
    if not model.has_card or not model.card.columns or "covariates" not in model.keywords:
        return {}
    (x,) = table.values()
    chosen = [d for d, kind in enumerate(model.card.column_kinds(keywords, x.shape[-1])) if kind == COVARIATE]
    return {"covariates": np.asarray(x, float)[..., chosen]} if chosen else {}
