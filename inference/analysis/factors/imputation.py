"""Missing values and reconstructions of the rows of a linear-Gaussian fit, exact given the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inference import exact
from inference.exact import gaussian
from inference.exact.gaussian.mixtures import mixture_quantile
from inference.exact.gaussian.rows import IncompleteRows
from inference.record import FitRecord
from zoo import ZooError, registry
from zoo.linear import Linear
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBERS = 4_000_000  # in memory at a time


def impute(
    fit: FitRecord, data: DataLike = None, *, interval: float = 0.94, columns: Sequence[str | int] | None = None
) -> pd.DataFrame:
    """The distribution of each missing value given the rest of its row.

    Exact for the model: it includes the noise and the uncertainty of z, and where the fit has draws also the
    uncertainty of the parameters.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    data : optional
        A table as ``inference.fit`` takes it, with NaN for missing values; the data of the fit by default.
    interval : float, default 0.94
        Probability of the central interval.
    columns : sequence of str, optional
        Names of the D columns; by default those of the DataFrame that was fitted, else numbers.

    Returns
    -------
    pandas.DataFrame
        One row for each missing value, with columns ``row``, ``column``, ``mean``, ``sd``, ``low`` and ``high``; the
        last two are the ends of the interval.

    Raises
    ------
    ZooError
        If the model is not linear-Gaussian, or an argument does not fit it.
    """
    import pandas as pd

    if not 0 < interval < 1:
        raise ZooError(f"interval is a probability between 0 and 1, such as 0.94; given {interval!r}")
    x = observed_table(fit, data)
    columns = fit.column_labels if columns is None else columns
    if columns is not None and len(columns) != x.shape[1]:
        raise ZooError(f"columns has {len(columns)} names for D={x.shape[1]} columns: give one for each")
    at = np.argwhere(np.isnan(x))
    blocks = [np.empty((0, 4))]
    linears = linear_parameters(fit)
    size = max(1, MAX_NUMBERS // (len(linears) * len(linears[0].pi)))
    rows = np.unique(at[:, 0])
    for start in range(0, len(rows), size):
        block = x[rows[start : start + size]]
        missing = np.isnan(block)
        moments = [conditional_moments(linear, IncompleteRows(block)) for linear in linears]
        weight = np.concatenate([np.broadcast_to(w[:, :, None], m.shape)[:, missing] for w, m, _ in moments])
        weight = weight / len(linears)
        mean, variance = (np.concatenate([draw[i][:, missing] for draw in moments]) for i in (1, 2))
        overall = (weight * mean).sum(0)
        sd = np.sqrt((weight * (variance + mean**2)).sum(0) - overall**2)
        ends = [mixture_quantile(weight, mean, np.sqrt(variance), p) for p in ((1 - interval) / 2, (1 + interval) / 2)]
        blocks.append(np.column_stack([overall, sd, *ends]))
    mean, sd, low, high = np.concatenate(blocks).T
    column = at[:, 1] if columns is None else np.asarray(columns, dtype=object)[at[:, 1]]
    return pd.DataFrame({"row": at[:, 0], "column": column, "mean": mean, "sd": sd, "low": low, "high": high})


def fill_missing(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """The table with each missing value replaced by its mean given the rest of its row.

    Such a table is smoother than complete data would be: use ``impute`` for spreads and intervals.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    data : optional
        A table as ``inference.fit`` takes it, with NaN for missing values; the data of the fit by default.

    Returns
    -------
    numpy.ndarray
        Table of shape (N, D) without missing values.

    Raises
    ------
    ZooError
        If the model is not linear-Gaussian, or the data do not fit it.
    """
    x = observed_table(fit, data)
    imputed = impute(fit, x, columns=range(x.shape[1]))
    complete = x.copy()
    complete[imputed["row"], imputed["column"].astype(int)] = imputed["mean"]
    return complete


def reconstruct(fit: FitRecord, data: DataLike = None) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and standard deviation of W z + mu for each row.

    As sigma2 of probabilistic PCA goes to 0 the mean becomes the projection of PCA. The noise of a new observation is
    not included.

    Parameters
    ----------
    fit : Fit
        Fit of a linear-Gaussian model.
    data : optional
        A table as ``inference.fit`` takes it; the data of the fit by default.

    Returns
    -------
    mean, sd : numpy.ndarray
        Arrays of shape (N, D).

    Raises
    ------
    ZooError
        If the model is not linear-Gaussian, or the data do not fit it.
    """
    x = observed_table(fit, data)
    rows = IncompleteRows(x)
    linears = linear_parameters(fit)
    first, second = np.zeros(x.shape), np.zeros(x.shape)
    for linear in linears:
        weight, mean, variance = conditional_moments(linear, rows, noise=False)
        first += (weight[:, :, None] * mean).sum(0) / len(linears)
        second += (weight[:, :, None] * (variance + mean**2)).sum(0) / len(linears)
    return first, np.sqrt(np.maximum(second - first**2, 0.0))


def conditional_moments(
    linear: Linear, rows: IncompleteRows, noise: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each component its probability (K, N), and mean and variance of each value of each row, (K, N, D)."""
    g = gaussian.component_posteriors(linear, rows)
    mean = np.stack([p.mean @ W.T + mu for p, W, mu in zip(g.latents, linear.W, linear.mu, strict=True)])
    variance = np.stack(
        [
            np.einsum("dz,pzy,dy->pd", W, p.covariance, W)[rows.pattern_of_row]
            for p, W in zip(g.latents, linear.W, strict=True)
        ]
    )
    return g.responsibility.T, mean, variance + linear.Psi[:, None] * noise


def linear_parameters(fit: FitRecord) -> list[Linear]:
    """The parameters at the point estimate, or at some draws, evenly spaced."""
    card = fit.model.card
    draws = {n: fit.draws[n] for n in card.parameters(fit.keywords)} if fit.draws else {}
    return gaussian.linear_by_draw(card, exact.thin_draws(draws) if draws else fit.params, fit.keywords)


def observed_table(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """The table (N, D) of the one observed site; raises ZooError for a model that is not linear-Gaussian."""
    if fit.model.card.linear is None:
        linear = (name for name, known in registry.cards()[0].items() if known.linear)
        raise ZooError(f"{fit.model.name} is not linear-Gaussian; these models are: {', '.join(linear)}")
    table, _ = fit.fitted_model.bind(fit.data if data is None else data)
    (x,) = table.values()
    return x
