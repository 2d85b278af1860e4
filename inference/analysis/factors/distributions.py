"""Predictive distributions of a linear-Gaussian fit: of a new row, and of some columns given the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.analysis.factors.imputation import linear_parameters, observed_table
from inference.exact.gaussian.mixtures import NormalMixture
from inference.record import FitRecord
from zoo import ZooError
from zoo.errors import unknown


def predictive_distribution(fit: FitRecord) -> NormalMixture:
    """The distribution of a new row.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.

    Returns
    -------
    Mixture
        A mixture of normals, over components and draws. Its ``marginal(columns)``, ``log_density(x)``, ``quantile(p)``,
        ``moments`` and ``sample(size, seed)`` are exact.

    Raises
    ------
    ZooError
        If the model is not linear-Gaussian.
    """
    observed_table(fit)
    linears = linear_parameters(fit)
    D = linears[0].mu.shape[-1]
    covariances = [linear.W @ np.swapaxes(linear.W, 1, 2) + linear.Psi[:, :, None] * np.eye(D) for linear in linears]
    weight = np.concatenate([linear.pi for linear in linears]) / len(linears)
    return NormalMixture(weight, np.concatenate([linear.mu for linear in linears]), np.concatenate(covariances))


def conditional_distribution(
    fit: FitRecord, given: Mapping[str, float] | Mapping[int, float], columns: Sequence[str] | None = None
) -> NormalMixture:
    """The distribution of some columns of a new row given the values of the others.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    given : mapping
        ``{column: value}``, with columns by number, or by name where a DataFrame was fitted or ``columns`` is given.
    columns : sequence of str, optional
        Names of the D columns; by default those of the DataFrame that was fitted.

    Returns
    -------
    Mixture
        Distribution of the columns that are not in ``given``, in their order.

    Raises
    ------
    ZooError
        For an unknown column or an infinite value, and if every column is given.
    """
    joint = predictive_distribution(fit)
    D = joint.mean.shape[1]
    if columns is None and any(isinstance(name, str) for name in given):
        columns = fit.column_labels
    names: list[object] = list(range(D)) if columns is None else list(columns)
    row = np.full(D, np.nan)
    for name, value in given.items():
        if name not in names:
            raise unknown("column", str(name), map(str, names))
        row[names.index(name)] = value
    if not np.isnan(row).any():
        raise ZooError("every column is given a value, so no column remains: leave one out")
    if np.isinf(row).any():
        raise ZooError("a column is given an infinite value: give a number")
    return joint.condition(row)
