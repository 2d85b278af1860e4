"""From rows to codes, and from codes to rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.amortised import AmortisedPosterior, Code
from zoo.data.intensities import take_rows
from zoo.data.tables import as_numbers
from zoo.errors import ZooError

if TYPE_CHECKING:
    from inference.result import Fit


def encode(fit: Fit, data: Any = None, y: Any = None) -> Code:
    """The guide's q(z_n | x_n): ``mean`` (N, Z) and ``sd`` (N, Z), which unpack as such. Raises ZooError.

    y: where there are classes, those by which rows are encoded.
    """
    return encoded(AmortisedPosterior(fit), data, y)[code_of(fit)]


def decode(fit: Fit, z: Any, y: Any = None) -> np.ndarray:
    """The mean of x given codes z (count, Z): (count, D), in the units of the data. Raises ZooError.

    Of binary pixels it is the probability of a one. y: where there are classes, that of each code, or one for all.
    """
    opened, z = AmortisedPosterior(fit), as_numbers("z", z)
    if fit.model.card.enumerated and y is None:
        raise ZooError(f"{fit.model.name} decodes a code and a class: give y, from 0 to {fit.keywords['C'] - 1}")
    return opened.decode({code_of(fit): z, **classes(fit, y, len(z))})[pixels(fit)]


def reconstruct(fit: Fit, data: Any = None, y: Any = None) -> np.ndarray:
    """The mean of x given the mean of each row's code, (N, D): missing pixels are there. Raises ZooError.

    y: where there are classes, those by which rows are encoded and decoded.
    """
    opened = AmortisedPosterior(fit)
    return opened.decode(centres(encoded(opened, data, y)))[pixels(fit)]


def classify(fit: Fit, data: Any = None) -> np.ndarray:
    """The classifier's q(y_n | x_n), (N, C), whatever the labels say. Raises ZooError where there is no classifier."""
    opened, site = AmortisedPosterior(fit), class_of(fit)
    rows = rows_of(fit, data)
    return opened.encode({n: v if n == pixels(fit) else np.full(len(v), np.nan) for n, v in rows.items()})[site]


def encoded(opened: AmortisedPosterior, data: Any, y: Any = None) -> dict[str, Any]:
    """What the guide makes of rows, of their classes too. Raises ZooError."""
    fit = opened.fit
    return opened.encode(opened.table(labelled(fit, rows_of(fit, data), y)))


def centres(found: dict[str, Any]) -> dict[str, np.ndarray]:
    """The mean of each code, and the most probable class."""
    return {n: v.mean if isinstance(v, Code) else v.argmax(-1) for n, v in found.items()}


def rows_of(fit: Fit, data: Any = None, count: int | None = None) -> dict[str, np.ndarray]:
    """Rows of data, that of the fit unless given, checked against its card: ``{site: (N, ...)}``. Raises ZooError.

    data: a table as the fit took it, or images alone, one (D,) or several (N, D), or a whole number: that row of the
    data of the fit. count: so many of the rows at most, evenly spaced.
    """
    site = pixels(fit)
    if isinstance(data, int | np.integer):
        rows = len(fit.data[site])
        if not 0 <= data < rows:
            raise ZooError(f"the data of the fit has rows 0 to {rows - 1}; given {data}")
        return rows_of(fit, take_rows(fit.data, [int(data)]))
    given: Any = fit.data if data is None else data
    table = dict(given) if isinstance(given, Mapping) else {site: given}
    if np.ndim(table.get(site, 0)) == 1:  # one image
        table = {n: np.asarray(v)[None] for n, v in table.items()}
    if np.ndim(table.get(site, 0)) > 1:
        rows = len(table[site])
        table |= {n: np.full(rows, np.nan) for n in fit.model.card.missing if n not in table}
        if count is not None and rows > count:
            table = take_rows(table, np.linspace(0, rows - 1, count).astype(int))
    return fit.fitted_model.bind(table, fit.seed)[0]


def classes(fit: Fit, y: Any, rows: int) -> dict[str, np.ndarray]:
    """``{site: (rows,)}`` of classes given for each row, or one for all; nothing where none are. Raises ZooError."""
    if y is None:
        return {}
    site, C, given = class_of(fit), fit.keywords["C"], np.asarray(y)
    if given.dtype.kind not in "iuf" or given.shape not in ((), (rows,)):
        raise ZooError(f"y is one class, or one for each of {rows} rows; given {y!r}")
    wrong = (given < 0) | (given >= C) | (given != np.round(given))
    if wrong.any():
        raise ZooError(f"y is a class from 0 to {C - 1}; given {np.atleast_1d(given)[np.atleast_1d(wrong)][0]:g}")
    return {site: np.broadcast_to(given, rows).astype(int)}


def labelled(fit: Fit, rows: dict[str, np.ndarray], y: Any) -> dict[str, np.ndarray]:
    """The rows with their classes, where any are given, in the place of their labels."""
    sites = fit.model.card.sites(fit.keywords)
    for given in classes(fit, y, len(rows[pixels(fit)])).values():
        rows = rows | {n: given.astype(float) for n in rows if sites[n].kind == "category"}
    return rows


def pixels(fit: Fit) -> str:
    """The observed site of rows of pixels. Raises ZooError where there is none."""
    sites = fit.model.card.sites(fit.keywords)
    found = [n for n in fit.model.card.observed if len(sites[n].dims) == 2]
    if len(found) != 1:
        raise ZooError(f"{fit.model.name} does not observe rows of columns: its fits have no images, but Fit.simulate")
    return found[0]


def columns_of(fit: Fit) -> int:
    """How many columns, or pixels, its rows have. Raises ZooError where there are none."""
    return fit.keywords[fit.model.card.sites(fit.keywords)[pixels(fit)].dims[1]]


def code_of(fit: Fit) -> str:
    """The continuous latent of the rows. Raises ZooError where there is not one."""
    found = [n for n in fit.model.card.local(fit.keywords) if n not in fit.model.card.enumerated]
    if len(found) != 1:
        raise ZooError(f"rows of {fit.model.name} have no code: it is no autoencoder")
    return found[0]


def class_of(fit: Fit) -> str:
    """The discrete latent of the rows that labels tell. Raises ZooError where there is none."""
    found = [n for n in fit.model.card.enumerated if "C" in fit.keywords]
    if len(found) != 1:
        raise ZooError(f"{fit.model.name} has no classes: leave y out; semi_supervised_vae has a classifier")
    return found[0]
