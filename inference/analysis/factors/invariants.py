"""What no rotation changes: the covariance that loadings imply, and the space that they span.

Whether chains agree is best asked of these: they need no alignment of axes, and W W' + diag(Psi) is all of W and Psi
that the likelihood knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference.analysis.factors.parts import column_names, part
from inference.result import Fit
from inference.summaries.table import describe_values
from zoo import ZooError

if TYPE_CHECKING:
    import pandas as pd


def covariances(fit: Fit, columns: Sequence[str] | None = None, *, k: int | None = None) -> pd.DataFrame:
    """A row for each entry of W W' + diag(Psi), on and below the diagonal, in the units of the data.

    Of draws: mean, sd, the central 94% interval, and rank-normalised R-hat, bulk and tail ESS where there are chains
    (NaN for the independent draws of a guide). Of a point: the estimate alone. k: which component, of a mixture.
    """
    import pandas as pd

    covariance = part(fit, k).covariance
    i, j = np.tril_indices(covariance.shape[-1])
    names = column_names(columns, covariance.shape[-1])
    index = pd.MultiIndex.from_arrays([[names[d] for d in i], [names[d] for d in j]], names=["column", "with"])
    return describe_values(fit, covariance[..., i, j], index)


def angles(one: Fit | np.ndarray, other: Fit | np.ndarray, *, k: int | None = None) -> np.ndarray:
    """The angles between the spaces that two sets of loadings span, in radians, the largest first: (..., Z).

    Each is a fit or an array (..., D, Z); a fit with draws stands for all of them, (chain, draw, D, Z), when it comes
    first, and for their mean, aligned, when it comes second. There are as many angles as the smaller space has
    dimensions (Björck and Golub 1973; ``scipy.linalg.subspace_angles``). k: which component, of a mixture.
    """
    from scipy.linalg import subspace_angles

    W, reference = of(one, k), of(other, k)
    reference = reference.mean(tuple(range(reference.ndim - 2)))
    if W.shape[-2] != len(reference):
        raise ZooError(f"loadings of {W.shape[-2]} and of {len(reference)} columns: both must be of the same columns")
    flat = W.reshape(-1, *W.shape[-2:])
    found = np.array([subspace_angles(draw, reference) for draw in flat])
    return found.reshape(*W.shape[:-2], -1)


def of(loadings: Fit | np.ndarray, k: int | None) -> np.ndarray:
    """W of an array or a fit, (..., D, Z); a point has no leading dimensions."""
    if not isinstance(loadings, Fit):
        return np.asarray(loadings, dtype=float)
    W = part(loadings, k).W
    return W if loadings.draws else W[0, 0]
