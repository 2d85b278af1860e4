"""Loadings, communalities and explained variance as tables: a number for a point, a posterior for draws.

Draws are aligned first, and then turned by one matrix, that of the rotation of their mean: every draw lies as near to
the mean as an orthogonal matrix can bring it, and so to the rotated mean. The spread that is left is that of the
loadings given the axes; of an oblique rotation the correlations of the factors are held at those of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.analysis.factors.parts import Part, column_names, part
from inference.analysis.factors.rotations import rotate
from inference.summaries.table import INTERVAL_PERCENTILES

if TYPE_CHECKING:
    import pandas as pd

    from inference.result import Fit


def loadings(
    fit: Fit,
    rotation: str | None = None,
    standardised: bool = True,
    columns: Sequence[str] | None = None,
    *,
    k: int | None = None,
    **options: Any,
) -> pd.DataFrame:
    """A row for each column of the data: its loading on each factor, its communality and its uniqueness.

    rotation: a method of ``rotate``, whose options may follow; None leaves the axes of the fit. standardised: loadings
    in standard deviations of the columns, which are correlations with the factors where these are uncorrelated;
    otherwise in the units of the data. columns: their names. k: which component, of a mixture. Communality and
    uniqueness are parts of a column's variance, of sum 1. Of draws each number has four columns below it: mean, sd and
    the central 94% interval. Raises ZooError for a fit without loadings.
    """
    of = part(fit, k)
    L = rotated(of, rotation, standardised, options)[0]
    uniqueness = of.Psi / of.variance
    values = np.concatenate([L, (1 - uniqueness)[..., None], uniqueness[..., None]], axis=-1)
    names = [*factor_names(L.shape[-1]), "communality", "uniqueness"]
    return posterior(values, column_names(columns, L.shape[-2]), names, bool(fit.draws), "column")


def explained_variance(
    fit: Fit, rotation: str | None = "principal", standardised: bool = True, *, k: int | None = None, **options: Any
) -> pd.DataFrame:
    """The part of the columns' total variance that each factor explains, and all of them together.

    standardised: each column counts for one; otherwise for its variance, in the units of the data. The parts of
    correlated factors are those of ``Rotation.variance``. Arguments are otherwise those of ``loadings``.
    """
    of = part(fit, k)
    L, phi = rotated(of, rotation, standardised, options)
    total = of.Psi.shape[-1] if standardised else of.variance.sum(-1)[..., None]
    share = (L * (L @ phi)).sum(-2) / total
    share = np.concatenate([share, share.sum(-1, keepdims=True)], axis=-1)
    return posterior(share[..., None], [*factor_names(L.shape[-1]), "all"], ["share"], bool(fit.draws), "factor")


def factor_correlations(
    fit: Fit, rotation: str | None = "oblimin", standardised: bool = True, *, k: int | None = None, **options: Any
) -> pd.DataFrame:
    """The correlations of the rotated factors, of a point or of the mean of the draws; as ``loadings`` has them."""
    import pandas as pd

    phi = rotated(part(fit, k), rotation, standardised, options)[1]
    names = factor_names(len(phi))
    return pd.DataFrame(phi, index=pd.Index(names, name="factor"), columns=pd.Index(names, name="factor"))


def scores(
    fit: Fit, rotation: str | None = None, data: Any = None, *, standardised: bool = True, **options: Any
) -> pd.DataFrame:
    """A row for each row of the data: the posterior mean and standard deviation of each factor, E[z | x] and its like.

    The factors are those that ``loadings`` shows with the same rotation. ``data`` is that of the fit unless given. Of
    draws the uncertainty of the parameters is in the standard deviations. Raises ZooError for a fit without loadings or
    a mixture, whose components have axes of their own.
    """
    import pandas as pd

    T = turn(part(fit), rotation, standardised, options)
    (z,) = (p for name, p in fit.local(data).items() if name not in fit.model.card.enumerated)
    mean = z.mean @ T
    sd = np.sqrt(np.einsum("zi,nzy,yi->ni", T, z.covariance, T))
    names = pd.MultiIndex.from_product([factor_names(len(T)), ["mean", "sd"]])
    return pd.DataFrame(np.stack([mean, sd], axis=-1).reshape(len(mean), -1), columns=names)


def rotated(
    of: Part, rotation: str | None, standardised: bool, options: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """The loadings (chain, draw, D, Z) on the axes to which their mean is rotated, and the factors' correlations."""
    T = turn(of, rotation, standardised, options)
    return of.loadings(standardised) @ np.linalg.inv(T).T, T.T @ T


def turn(of: Part, rotation: str | None, standardised: bool, options: dict[str, Any]) -> np.ndarray:
    """T (Z, Z), by which the factors of a fit are turned to those of the rotation: ``T' z``."""
    mean = of.loadings(standardised).mean((0, 1))
    return np.eye(mean.shape[1]) if rotation is None else rotate(mean, rotation, **options).T


def factor_names(Z: int) -> list[str]:
    return [f"factor {j + 1}" for j in range(Z)]


def posterior(values: np.ndarray, rows: list[str], names: list[str], drawn: bool, index: str) -> pd.DataFrame:
    """Values (chain, draw, rows, names) as a table: the number, or mean, sd and interval below each name."""
    import pandas as pd

    rows_index = pd.Index(rows, name=index)
    if not drawn:
        return pd.DataFrame(values[0, 0], index=rows_index, columns=pd.Index(names))
    flat = values.reshape(-1, *values.shape[2:])
    low, high = np.percentile(flat, INTERVAL_PERCENTILES, axis=0)
    said = np.stack([flat.mean(0), flat.std(0, ddof=1), low, high], axis=-1)  # (rows, names, 4)
    words = ["mean", "sd", *(f"eti_{p}%" for p in INTERVAL_PERCENTILES)]
    return pd.DataFrame(
        said.reshape(len(rows), -1), index=rows_index, columns=pd.MultiIndex.from_product([names, words])
    )
