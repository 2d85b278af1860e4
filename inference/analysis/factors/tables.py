"""Loadings, communalities, explained variance and scores as tables: numbers for a point, posteriors for draws.

Draws are aligned first: each is brought as near to their mean as an orthogonal matrix allows. Then all are rotated by
one matrix, the rotation of their mean. The remaining spread is that of the loadings given the axes. In an oblique
rotation the correlations of the factors are those of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from inference.analysis.factors.component import FactorComponent, column_names, get_component
from inference.analysis.factors.rotations import rotate
from inference.exact.gaussian import Normal
from inference.result import Fit
from inference.summaries.table import INTERVAL_PERCENTILES
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd


class RotationOptions(TypedDict, total=False):
    """Further arguments of ``rotate``."""

    kaiser: bool | None
    power: float
    starts: int
    seed: int


def loadings(
    fit: Fit,
    rotation: str | None = None,
    standardised: bool = True,
    columns: Sequence[str] | None = None,
    *,
    k: int | None = None,
    **options: Unpack[RotationOptions],
) -> pd.DataFrame:
    """Loadings, communality and uniqueness of each column of the data.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    rotation : str, optional
        Method of ``rotate``; by default the axes of the fit are used.
    standardised : bool, default True
        Loadings in standard deviations of the columns, which are the correlations with the factors where these are
        uncorrelated; otherwise in the units of the data.
    columns : sequence of str, optional
        Names of the D columns; by default those of the DataFrame that was fitted, else ``x[0]``, ``x[1]``, ...
    k : int, optional
        Component of a mixture; required where there are several.
    **options
        Further arguments of ``rotate``.

    Returns
    -------
    pandas.DataFrame
        One row for each column of the data, with columns ``factor 1`` ..., ``communality`` and ``uniqueness``. The last
        two are shares of the column's variance and sum to 1. For draws each has four columns below it: ``mean``, ``sd``
        and the central 94% interval (``eti_3%``, ``eti_97%``).

    Raises
    ------
    ZooError
        If the model has no loadings, or an argument does not fit it.
    """
    component = get_component(fit, k)
    L = rotated_loadings(component, rotation, standardised, options)[0]
    uniqueness = component.Psi / component.variance
    values = np.concatenate([L, (1 - uniqueness)[..., None], uniqueness[..., None]], axis=-1)
    names = [*factor_names(L.shape[-1]), "communality", "uniqueness"]
    return posterior_table(
        values, column_names(columns, fit.column_labels, L.shape[-2]), names, bool(fit.draws), "column"
    )


def explained_variance(
    fit: Fit,
    rotation: str | None = "principal",
    standardised: bool = True,
    *,
    k: int | None = None,
    **options: Unpack[RotationOptions],
) -> pd.DataFrame:
    """The share of the columns' total variance that each factor explains, and that of all factors together.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    rotation : str or None, default "principal"
        Method of ``rotate``; None uses the axes of the fit. Shares of correlated factors are those of
        ``Rotation.variance``.
    standardised : bool, default True
        Each column has variance 1; otherwise its variance in the units of the data.
    k, **options
        As in ``loadings``.

    Returns
    -------
    pandas.DataFrame
        One row for each factor and a row ``all``, with the column ``share``; for draws ``mean``, ``sd`` and the central
        94% interval below it.

    Raises
    ------
    ZooError
        If the model has no loadings, or an argument does not fit it.
    """
    component = get_component(fit, k)
    L, phi = rotated_loadings(component, rotation, standardised, options)
    total = component.Psi.shape[-1] if standardised else component.variance.sum(-1)[..., None]
    share = (L * (L @ phi)).sum(-2) / total
    share = np.concatenate([share, share.sum(-1, keepdims=True)], axis=-1)
    names = [*factor_names(L.shape[-1]), "all"]
    return posterior_table(share[..., None], names, ["share"], bool(fit.draws), "factor")


def factor_correlations(
    fit: Fit,
    rotation: str | None = "oblimin",
    standardised: bool = True,
    *,
    k: int | None = None,
    **options: Unpack[RotationOptions],
) -> pd.DataFrame:
    """Correlations of the rotated factors; for draws, those of the rotation of their mean.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    rotation : str or None, default "oblimin"
        Method of ``rotate``; None uses the axes of the fit.
    standardised : bool, default True
        Rotate loadings in standard deviations of the columns; otherwise in the units of the data.
    k, **options
        As in ``loadings``.

    Returns
    -------
    pandas.DataFrame
        Table of shape (Z, Z).

    Raises
    ------
    ZooError
        If the model has no loadings, or an argument does not fit it.
    """
    import pandas as pd

    phi = rotated_loadings(get_component(fit, k), rotation, standardised, options)[1]
    names = factor_names(len(phi))
    return pd.DataFrame(phi, index=pd.Index(names, name="factor"), columns=pd.Index(names, name="factor"))


def scores(
    fit: Fit,
    rotation: str | None = None,
    data: DataLike = None,
    *,
    standardised: bool = True,
    **options: Unpack[RotationOptions],
) -> pd.DataFrame:
    """Posterior mean and standard deviation of each factor for each row of the data.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model with one component.
    rotation : str, optional
        Method of ``rotate``; by default the axes of the fit are used. The factors are those that ``loadings`` shows
        with the same rotation.
    data : optional
        A table as ``inference.fit`` takes it; the data of the fit by default.
    standardised : bool, default True
        Rotate loadings in standard deviations of the columns; otherwise in the units of the data.
    **options
        Further arguments of ``rotate``.

    Returns
    -------
    pandas.DataFrame
        N rows; below each factor the columns ``mean``, E[z | x], and ``sd``. For draws ``sd`` includes the uncertainty
        of the parameters.

    Raises
    ------
    ZooError
        If the model has no loadings, or is a mixture, whose components have separate axes.
    """
    import pandas as pd

    T = rotation_matrix(get_component(fit), rotation, standardised, options)
    (z,) = (posterior for posterior in fit.local(data).values() if isinstance(posterior, Normal))
    mean = z.mean @ T
    sd = np.sqrt(np.einsum("zi,nzy,yi->ni", T, z.covariance, T))
    names = pd.MultiIndex.from_product([factor_names(len(T)), ["mean", "sd"]])
    return pd.DataFrame(np.stack([mean, sd], axis=-1).reshape(len(mean), -1), columns=names)


def rotated_loadings(
    component: FactorComponent, rotation: str | None, standardised: bool, options: RotationOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Loadings (chain, draw, D, Z) rotated as their mean is, and the factors' correlations (Z, Z)."""
    T = rotation_matrix(component, rotation, standardised, options)
    return component.loadings(standardised) @ np.linalg.inv(T).T, T.T @ T


def rotation_matrix(
    component: FactorComponent, rotation: str | None, standardised: bool, options: RotationOptions
) -> np.ndarray:
    """T (Z, Z), which rotates the factors of a fit: ``T' z``."""
    mean = component.loadings(standardised).mean((0, 1))
    return np.eye(mean.shape[1]) if rotation is None else rotate(mean, rotation, **options).T


def factor_names(Z: int) -> list[str]:
    """The names of Z factors, from 1 up.

    >>> factor_names(2)
    ['factor 1', 'factor 2']
    """
    return [f"factor {j + 1}" for j in range(Z)]


def posterior_table(
    values: np.ndarray, rows: list[str], names: list[str], has_draws: bool, index_name: str
) -> pd.DataFrame:
    """Values (chain, draw, rows, names) as a table: the number, or mean, sd and interval below each name."""
    import pandas as pd

    index = pd.Index(rows, name=index_name)
    if not has_draws:
        return pd.DataFrame(values[0, 0], index=index, columns=pd.Index(names))
    flat = values.reshape(-1, *values.shape[2:])
    low, high = np.percentile(flat, INTERVAL_PERCENTILES, axis=0)
    statistics = np.stack([flat.mean(0), flat.std(0, ddof=1), low, high], axis=-1)  # (rows, names, 4)
    columns = pd.MultiIndex.from_product([names, ["mean", "sd", *(f"eti_{p}%" for p in INTERVAL_PERCENTILES)]])
    return pd.DataFrame(statistics.reshape(len(rows), -1), index=index, columns=columns)
