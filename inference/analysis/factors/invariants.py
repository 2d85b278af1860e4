"""Rotation-invariant quantities: the covariance that loadings imply, and the space that they span.

They need no alignment of axes, so the convergence of chains is best checked by them. The likelihood depends on W and
Psi through W W' + diag(Psi) alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.factors.component import column_names, get_component
from inference.record import FitRecord
from inference.summaries.table import describe_values
from zoo import ZooError

if TYPE_CHECKING:
    import pandas as pd


def covariances(fit: FitRecord, columns: Sequence[str] | None = None, *, k: int | None = None) -> pd.DataFrame:
    """Entries of the implied covariance W W' + diag(Psi), on and below the diagonal.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    columns : sequence of str, optional
        Names of the D columns; by default those of the DataFrame that was fitted, else ``x[0]``, ``x[1]``, ...
    k : int, optional
        Component of a mixture; required where there are several.

    Returns
    -------
    pandas.DataFrame
        One row for each pair of columns, in the units of the data. For a point, the column ``estimate``. For draws,
        ``mean``, ``sd``, the central 94% interval (``eti_3%``, ``eti_97%``), ``r_hat`` (rank-normalised), ``ess_bulk``
        and ``ess_tail``; the last three are NaN for the independent draws of a guide.

    Raises
    ------
    ZooError
        If the model has no loadings, or ``columns`` or ``k`` do not fit it.
    """
    import pandas as pd

    covariance = get_component(fit, k).covariance
    i, j = np.tril_indices(covariance.shape[-1])
    names = column_names(columns, fit.column_labels, covariance.shape[-1])
    index = pd.MultiIndex.from_arrays([[names[d] for d in i], [names[d] for d in j]], names=["column", "with"])
    return describe_values(fit, covariance[..., i, j], index)


def angles(first: FitRecord | np.ndarray, second: FitRecord | np.ndarray, *, k: int | None = None) -> np.ndarray:
    """Principal angles between the spaces that two sets of loadings span.

    Parameters
    ----------
    first : Fit or numpy.ndarray
        A fit, or loadings of shape (..., D, Z). A fit with draws stands for all of its draws.
    second : Fit or numpy.ndarray
        A fit, or loadings of shape (..., D, Z). Several loadings are replaced by their mean, after alignment for a fit.
    k : int, optional
        Component of a mixture; required where there are several.

    Returns
    -------
    numpy.ndarray
        Angles in radians, the largest first: (..., min(Z1, Z2)), with the leading dimensions of ``first``; (chain,
        draw) for a fit with draws.

    Raises
    ------
    ZooError
        If the numbers of columns differ, or a fit has no loadings.

    References
    ----------
    Björck, Å. and Golub, G. H. (1973). Numerical methods for computing angles between linear subspaces. Mathematics of
    Computation 27. Computed by ``scipy.linalg.subspace_angles``.

    Examples
    --------
    >>> plane = np.eye(3)[:, :2]
    >>> tilted = np.array([[1.0, 0.0], [0.0, np.cos(0.3)], [0.0, np.sin(0.3)]])
    >>> angles(plane, tilted).round(6).tolist()
    [0.3, 0.0]
    """
    from scipy.linalg import subspace_angles

    W, reference = get_loadings(first, k), get_loadings(second, k)
    reference = reference.mean(tuple(range(reference.ndim - 2)))
    if W.shape[-2] != len(reference):
        raise ZooError(f"loadings of {W.shape[-2]} and of {len(reference)} columns: both must be of the same columns")
    result = np.array([subspace_angles(draw, reference) for draw in W.reshape(-1, *W.shape[-2:])])
    return result.reshape(*W.shape[:-2], -1)


def get_loadings(loadings: FitRecord | np.ndarray, k: int | None) -> np.ndarray:
    """W of an array or a fit, (..., D, Z); a point has no leading dimensions."""
    if not isinstance(loadings, FitRecord):
        return np.asarray(loadings, dtype=float)
    W = get_component(loadings, k).W
    return W if loadings.draws else W[0, 0]
