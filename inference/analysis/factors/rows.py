"""What a fit says of rows: values nobody saw, with intervals; what the factors make of a row; laws of any columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import zoo
from inference.exact import gaussian
from inference.exact.gaussian.mixtures import Mixture, quantile
from inference.exact.gaussian.rows import Rows
from zoo import ZooError
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

    from inference.result import Fit

DRAWS = 200  # of the parameters, at most: two digits of an interval
MOST = 4_000_000  # numbers held at a time


def impute(fit: Fit, data: Any = None, *, interval: float = 0.94, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The distribution of every value that is missing given the rest of its row: a row of the table for each.

    Columns ``row``, ``column`` (its number, or name where ``columns`` has the names of all), ``mean``, ``sd``, ``low``
    and ``high``, the ends of the central ``interval``. Exact for the model, with the uncertainty of z and the noise in
    it, and that of the parameters where the fit has draws. ``data`` is that of the fit unless given. Raises ZooError
    for a model that is not linear-Gaussian or a bad interval.
    """
    import pandas as pd

    if not 0 < interval < 1:
        raise ZooError(f"interval is a probability between 0 and 1, such as 0.94; given {interval!r}")
    _, x = opened(fit, data)
    if columns is not None and len(columns) != x.shape[1]:
        raise ZooError(f"columns has {len(columns)} names for D={x.shape[1]} columns: give one for each")
    at = np.argwhere(np.isnan(x))
    found = [np.empty((0, 4))]
    values = parameters(fit)
    linears = gaussian.each_draw(fit.model.card, values, fit.keywords)
    size = max(1, MOST // (len(linears) * len(linears[0].pi)))
    rows = np.unique(at[:, 0])
    for begun in range(0, len(rows), size):
        some = rows[begun : begun + size]
        holes = np.isnan(x[some])
        parts = [parts_of(linear, Rows(x[some])) for linear in linears]
        weight = np.concatenate([np.broadcast_to(w[:, :, None], m.shape)[:, holes] for w, m, _ in parts]) / len(linears)
        mean, variance = (np.concatenate([p[i][:, holes] for p in parts]) for i in (1, 2))
        middle = (weight * mean).sum(0)
        sd = np.sqrt((weight * (variance + mean**2)).sum(0) - middle**2)
        ends = [quantile(weight, mean, np.sqrt(variance), p) for p in ((1 - interval) / 2, (1 + interval) / 2)]
        found.append(np.column_stack([middle, sd, *ends]))
    mean, sd, low, high = np.concatenate(found).T
    column = at[:, 1] if columns is None else np.asarray(columns, dtype=object)[at[:, 1]]
    return pd.DataFrame({"row": at[:, 0], "column": column, "mean": mean, "sd": sd, "low": low, "high": high})


def imputed(fit: Fit, data: Any = None) -> np.ndarray:
    """The table (N, D) with the mean of each missing value given the rest of its row in its place.

    A table so filled is smoother than the truth: for spreads and intervals use ``impute``.
    """
    _, x = opened(fit, data)
    table = impute(fit, x)
    whole = x.copy()
    whole[table["row"], table["column"]] = table["mean"]
    return whole


def reconstruct(fit: Fit, data: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """What the factors alone make of each row, W z + mu: its posterior mean and standard deviation, (N, D) each.

    At a small sigma2 it is the projection of PCA. The noise of a new observation is not in it.
    """
    _, x = opened(fit, data)
    rows = Rows(x)
    linears = gaussian.each_draw(fit.model.card, parameters(fit), fit.keywords)
    first, second = np.zeros(x.shape), np.zeros(x.shape)
    for linear in linears:
        weight, mean, variance = parts_of(linear, rows, noise=False)
        first += (weight[:, :, None] * mean).sum(0) / len(linears)
        second += (weight[:, :, None] * (variance + mean**2)).sum(0) / len(linears)
    return first, np.sqrt(np.maximum(second - first**2, 0.0))


def law(fit: Fit) -> Mixture:
    """The distribution of a new row under the fit: a mixture of normals, over components and draws.

    Its ``marginal(columns)``, ``log_density(x)``, ``quantile(p)`` and ``sample(size, seed)`` are exact.
    """
    opened(fit, None)
    linears = gaussian.each_draw(fit.model.card, parameters(fit), fit.keywords)
    D = linears[0].mu.shape[-1]
    dense = [linear.W @ np.swapaxes(linear.W, 1, 2) + linear.Psi[:, :, None] * np.eye(D) for linear in linears]
    weight = np.concatenate([linear.pi for linear in linears]) / len(linears)
    return Mixture(weight, np.concatenate([linear.mu for linear in linears]), np.concatenate(dense))


def conditional(fit: Fit, given: Mapping[Any, float], columns: Sequence[str] | None = None) -> Mixture:
    """The distribution of the columns not named in ``given``, in their order, at the values it gives to the others.

    ``given``: ``{column: value}``, columns by number, or by name where ``columns`` names all of them. Raises ZooError
    for a column that is not there, or where none is left.
    """
    whole = law(fit)
    names = list(columns) if columns is not None else list(range(whole.mean.shape[1]))
    row = np.full(whole.mean.shape[1], np.nan)
    for name, value in given.items():
        if name not in names:
            raise unknown("column", str(name), map(str, names))
        row[names.index(name)] = value
    if not np.isnan(row).any():
        raise ZooError("every column is given a value, so nothing is left to tell: leave one out")
    if np.isinf(row).any():
        raise ZooError("a column is given an infinite value: give a number")
    return whole.given(row)


def parts_of(linear: Any, rows: Rows, noise: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By component: its probability (K, N), and mean and variance of each value of each row, (K, N, D) each."""
    g = gaussian.given(linear, rows)
    mean = np.stack([p.mean @ W.T + mu for p, W, mu in zip(g.posteriors, linear.W, linear.mu, strict=True)])
    variance = np.stack(
        [
            np.einsum("dz,pzy,dy->pd", W, p.covariance, W)[rows.which]
            for p, W in zip(g.posteriors, linear.W, strict=True)
        ]
    )
    return g.responsibility.T, mean, variance + linear.Psi[:, None] * noise


def parameters(fit: Fit) -> dict[str, np.ndarray]:
    """The point estimate, or a few of the draws, spread over all of them."""
    if not fit.draws:
        return fit.params
    names = fit.model.card.parameters(fit.keywords)
    flat = {n: np.concatenate(fit.draws[n])[None] for n in names}
    count = next(iter(flat.values())).shape[1]
    some = np.unique(np.linspace(0, count - 1, DRAWS).astype(int))
    return {n: v[:, some] for n, v in flat.items()}


def opened(fit: Fit, data: Any) -> tuple[str, np.ndarray]:
    """The one site a linear-Gaussian model observes, and its table (N, D)."""
    if fit.model.card.linear is None:
        able: Iterable[str] = (name for name in zoo.names() if zoo.card(name).linear)
        raise ZooError(f"{fit.model.name} is not linear-Gaussian; these models are: {', '.join(able)}")
    table, _ = fit.fitted_model.bind(fit.data if data is None else data)
    ((name, x),) = table.items()
    return name, x
