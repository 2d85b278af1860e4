"""Rows, classes and sites as the functions of ``inference.latents`` take them, checked against the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import local_latents
from inference.record import FitRecord
from zoo.data.intensities import take_rows
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

RANGE_ROWS = 4000  # at most, from which the smallest and the largest pixel are taken


def read_rows(fit: FitRecord, data: DataLike = None, max_rows: int | None = None) -> dict[str, np.ndarray]:
    """Rows of data checked against the card, ``{site: (N, ...)}``; raises ZooError.

    data: the fit's data by default, a table, rows (N, D), one row (D,), or the number of a row of the fit's data.
    max_rows: if there are more rows, so many of them, evenly spaced.
    """
    site = pixel_site(fit)
    if isinstance(data, int | np.integer):
        N = len(fit.data[site])
        if not 0 <= data < N:
            raise ZooError(f"the data of the fit has rows 0 to {N - 1}; given {data}")
        return read_rows(fit, take_rows(fit.data, [int(data)]))
    values: DataLike = fit.data if data is None else data
    table = dict(values) if isinstance(values, Mapping) else {site: values}
    if np.ndim(table.get(site, 0)) == 1:  # one image
        table = {n: np.asarray(v)[None] for n, v in table.items()}
    if np.ndim(table.get(site, 0)) > 1:
        N = len(table[site])
        sites, sizes = fit.model.card.sites(fit.keywords), {**fit.keywords, "N": N}
        table |= {n: np.full(sites[n].shape(sizes), np.nan) for n in fit.model.card.missing if n not in table}
        if max_rows is not None and max_rows < N:
            table = take_rows(table, np.linspace(0, N - 1, max_rows).astype(int))
    return fit.fitted_model.bind(table, fit.seed)[0]


def class_values(fit: FitRecord, y: ArrayLike | None, count: int) -> dict[str, np.ndarray]:
    """``{site: (count,)}`` of one class for each row, or one for all; empty where y is None; raises ZooError."""
    if y is None:
        return {}
    site, C, values = class_site(fit), fit.keywords["C"], np.asarray(y)
    if values.dtype.kind not in "iuf" or values.shape not in ((), (count,)):
        raise ZooError(f"y is one class, or one for each of {count} rows; given {y!r}")
    wrong = (values < 0) | (values >= C) | (values != np.round(values))
    if wrong.any():
        raise ZooError(f"y is a class from 0 to {C - 1}; given {np.atleast_1d(values)[np.atleast_1d(wrong)][0]:g}")
    return {site: np.broadcast_to(values, count).astype(int)}


def set_labels(fit: FitRecord, rows: dict[str, np.ndarray], y: ArrayLike | None) -> dict[str, np.ndarray]:
    """The rows with their labels replaced by the classes y; unchanged where y is None."""
    sites = fit.model.card.sites(fit.keywords)
    for values in class_values(fit, y, len(rows[pixel_site(fit)])).values():
        rows = rows | {n: values.astype(float) for n in rows if sites[n].kind == "category"}
    return rows


def pixel_site(fit: FitRecord) -> str:
    """The observed site of rows of columns, or pixels; raises ZooError where there is none."""
    sites = fit.model.card.sites(fit.keywords)
    names = [n for n in fit.model.card.observed if len(sites[n].dims) == 2 and sites[n].kind != "category"]
    if len(names) != 1:
        raise ZooError(f"{fit.model.name} does not observe rows of columns, so there are no images: use Fit.simulate")
    return names[0]


def num_pixels(fit: FitRecord) -> int:
    """The number of columns, or pixels, of a row; raises ZooError where there are none."""
    return fit.keywords[fit.model.card.sites(fit.keywords)[pixel_site(fit)].dims[1]]


def picture_size(fit: FitRecord, size: Sequence[int] | None = None) -> Sequence[int] | None:
    """The size of the images: ``size``, or the model's own ``shape`` (height, width, colours) where it is set."""
    shape = None if fit.model.card.is_own else fit.keywords.get("shape")
    return shape if size is None else size


def pixel_range(fit: FitRecord) -> tuple[float, float]:
    """The smallest and the largest pixel of some rows of the fit's data."""
    pixels = read_rows(fit, max_rows=RANGE_ROWS)[pixel_site(fit)]
    return float(np.nanmin(pixels)), float(np.nanmax(pixels))


def code_site(fit: FitRecord, group: str | None = None) -> str:
    """The continuous latent ``group`` of the rows, or the only one; raises ZooError unless there is exactly one."""
    names = code_sites(fit)
    if group is None and len(names) > 1:
        raise ZooError(
            f"rows of {fit.model.name} have the codes {', '.join(names)}: name one, as in group={names[0]!r}"
        )
    if group is not None and group not in names:
        raise unknown("group of latents", group, names)
    return group or names[0]


def code_sites(fit: FitRecord) -> list[str]:
    """The continuous latents of the rows, top layer first; raises ZooError where there are none."""
    if fit.model.card.sampled:
        raise ZooError(
            f"the codes of {fit.model.name} are discrete, without mean and sd: latents.reconstruct decodes the most "
            "probable ones, and latents.sample draws new ones"
        )
    names = [n for n in local_latents(fit.model.card, fit.keywords) if n not in fit.model.card.enumerated]
    if not names:
        raise ZooError(f"rows of {fit.model.name} have no code: it is no autoencoder")
    return names


def latent_layers(fit: FitRecord) -> list[str]:
    """The latents of the rows, top layer first; raises ZooError where there is one alone."""
    names = list(local_latents(fit.model.card, fit.keywords))
    if len(names) < 2:
        raise ZooError(f"rows of {fit.model.name} have one latent, not several groups: use latents.reconstruct")
    return names


def check_temperature(temperature: float, allows_zero: bool = False) -> None:
    """Raise ZooError for a temperature that is no number above 0, or from 0 up."""
    is_number = isinstance(temperature, int | float | np.floating) and not isinstance(temperature, bool)
    if not (is_number and 0 <= temperature < np.inf) or (temperature == 0 and not allows_zero):
        raise ZooError(f"temperature is a number {'from 0 up' if allows_zero else 'above 0'}; given {temperature!r}")


def class_site(fit: FitRecord) -> str:
    """The discrete latent that labels observe; raises ZooError where there is none."""
    names = [n for n in fit.model.card.enumerated if "C" in fit.keywords]
    if len(names) != 1:
        raise ZooError(f"{fit.model.name} has no classes: leave y out; semi_supervised_vae has a classifier")
    return names[0]
