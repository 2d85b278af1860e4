"""New rows from codes: samples of the prior, interpolations and traversals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import AmortisedPosterior, local_latents
from inference.analysis.latents.coding import encode, encode_rows, point_codes
from inference.analysis.latents.inputs import (
    check_temperature,
    class_values,
    code_site,
    code_sites,
    pixel_site,
    read_rows,
)
from inference.record import FitRecord
from zoo.checks import check_whole
from zoo.errors import ZooError
from zoo.types import DataLike

NEARLY_STRAIGHT = 1e-6  # sine of the angle below which a great circle is a straight line, or undefined
DEFAULT_DIMENSIONS = 10  # traversed at most, unless dims are given
VARIANCE_ROWS = 2000  # at most, by which dimensions are ordered


def sample(
    fit: FitRecord,
    count: int,
    seed: int = 0,
    mean: bool = True,
    y: ArrayLike | None = None,
    temperature: float = 1.0,
) -> np.ndarray:
    """New rows from the model at its learned parameters.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder; with ``mean=False`` any fit of a model that observes rows of columns.
    count : int
        Number of rows, 1 or more.
    seed : int, default 0
        Seed of the codes; the codes do not depend on ``mean``.
    mean : bool, default True
        Return the mean of x given each code; otherwise a draw of x.
    y : int or array of int, optional
        Class of each row, or one class for all; drawn from the prior by default.
    temperature : float, default 1
        Factor of the standard deviation of every normal latent, above 0: at less than 1 rows are more typical and less
        varied. Other latents are drawn at 1 alone.

    Returns
    -------
    numpy.ndarray
        Shape (count, D), in the units of the data.

    Raises
    ------
    ZooError
        If the model does not observe rows of columns, or an argument does not fit it.
    """
    site = pixel_site(fit)
    check_whole(1, count=count)
    check_temperature(temperature)
    if temperature != 1:
        posterior, classes = AmortisedPosterior(fit), class_values(fit, y, count)
        codes = posterior.draw_prior(classes, count, temperature, seed)
        return posterior.decode(codes, None if mean else seed)[site]
    try:
        posterior = AmortisedPosterior(fit) if mean else None
    except ZooError as error:
        raise ZooError(f"{error}; mean=False (--no-mean) draws rows of any model") from error
    draws = fit.fitted_model.simulate(seed, values={**fit.params, **class_values(fit, y, count)}, N=count)
    if posterior is None:
        return draws[site]
    return posterior.decode({n: draws[n] for n in local_latents(fit.model.card, fit.keywords)})[site]


def interpolate(
    fit: FitRecord, a: DataLike, b: DataLike, steps: int = 9, groups: str | Sequence[str] | None = None
) -> np.ndarray:
    """Means of x along a path between the codes of two rows.

    The path is that of ``spherical_interpolation`` between the means of the codes. Of several groups it is that of the
    top one, and straight for those below, whose priors are not centred at 0. Where there are classes, the class changes
    half-way.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    a, b : array, int or table
        First and last row: an array (D,), the number of a row of the fit's data, or a table of one row.
    steps : int, default 9
        Number of rows, 2 or more.
    groups : str or sequence of str, optional
        Groups of latents that change, such as "z3"; the others, classes among them, stay at those of the first row. By
        default all change.

    Returns
    -------
    numpy.ndarray
        Shape (steps, D); the first and the last are the reconstructions of a and, unless groups are named, of b.

    Raises
    ------
    ZooError
        If the fit has no encoder, or an argument does not fit the model.
    """
    check_whole(2, steps=steps)
    posterior = AmortisedPosterior(fit)
    first, last = encode_one_row(posterior, a), encode_one_row(posterior, b)
    names = code_sites(fit)
    changed = list(first) if groups is None else [code_site(fit, g) for g in as_names(groups)]

    def path(name: str) -> np.ndarray:
        if name not in changed:
            return np.repeat(first[name][None], steps, 0)
        if name == names[0]:
            return spherical_interpolation(first[name], last[name], steps)
        if name in names:
            return np.linspace(first[name], last[name], steps)
        return np.where(np.arange(steps) < steps / 2, first[name], last[name])

    return posterior.decode({n: path(n) for n in first})[pixel_site(fit)]


def traverse(
    fit: FitRecord,
    row: DataLike = None,
    dims: Sequence[int] | None = None,
    span: float = 3.0,
    steps: int = 9,
    y: ArrayLike | None = None,
    group: str | None = None,
) -> dict[int, np.ndarray]:
    """Means of x as one dimension of a code varies and the others are constant.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    row : array, int or table, optional
        Row whose code is varied, as in ``interpolate``; the mean of the prior by default.
    dims : sequence of int, optional
        Dimensions to vary; by default those in which the codes of the fit's data vary most, in decreasing order, at
        most ten.
    span : float, default 3
        Values go from ``-span`` to ``span`` in equal steps; the prior of each dimension is Normal(0, 1). Of a group
        below the top, whose prior is not, they are differences from the code of the row.
    steps : int, default 9
        Number of values, 2 or more.
    y : int, optional
        Class, for a model with classes; by default that of the row.
    group : str, optional
        The group of latents whose dimensions vary, where there are several; the others are those of the row.

    Returns
    -------
    dict of int to numpy.ndarray
        ``{dimension: (steps, D)}``.

    Raises
    ------
    ZooError
        If the fit has no encoder, or an argument does not fit the model.
    """
    check_whole(2, steps=steps)
    posterior, site = AmortisedPosterior(fit), code_site(fit, group)
    (Z,) = posterior.sites[site].shape({**posterior.keywords, "N": 1})[1:]
    varied = dimensions_by_variance(fit, site)[:DEFAULT_DIMENSIONS] if dims is None else list(dims)
    if wrong := [d for d in varied if d not in range(Z)]:
        raise ZooError(f"dimensions of a code are 0 to {Z - 1}; given {wrong[0]!r}")
    if not (isinstance(span, int | float | np.number) and 0 < span < np.inf):
        raise ZooError(f"span is a number above 0; given {span!r}")
    classes = {n: value[0] for n, value in class_values(fit, y, 1).items()}
    if row is not None:
        start = {**encode_one_row(posterior, row), **classes}
    elif len(code_sites(fit)) > 1:
        start = {n: v[0] for n, v in posterior.draw_prior({}, 1, 0.0, 0).items()}
    else:
        start = {site: np.zeros(Z), **classes}
    code = np.tile(start.pop(site), (len(varied), steps, 1))
    values, is_top = np.linspace(-span, span, steps), site == code_sites(fit)[0]
    for i, dim in enumerate(varied):
        code[i, :, dim] = values if is_top else code[i, :, dim] + values
    others = {n: np.broadcast_to(v, (len(varied) * steps, *np.shape(v))) for n, v in start.items()}
    images = posterior.decode({**others, site: code.reshape(-1, Z)})[pixel_site(fit)]
    return {int(dim): images[i * steps :][:steps] for i, dim in enumerate(varied)}


def dimensions_by_variance(fit: FitRecord, site: str) -> list[int]:
    """Dimensions of a code by decreasing variance of the code means over rows of the fit's data."""
    code = encode(fit, read_rows(fit, max_rows=VARIANCE_ROWS), group=site)
    return np.argsort(-code.mean.var(0), kind="stable").tolist()


def as_names(groups: str | Sequence[str]) -> list[str]:
    """The names of groups, of which one may be given as it is; raises ZooError where there are none."""
    names = [groups] if isinstance(groups, str) else list(groups)
    if not names:
        raise ZooError("groups has no name: leave it out to change all latents")
    return names


def encode_one_row(posterior: AmortisedPosterior, row: DataLike) -> dict[str, np.ndarray]:
    """The mean code (Z,) of one row, and its class where there are classes; raises ZooError for several rows."""
    codes = point_codes(posterior, encode_rows(posterior, row))
    N = len(next(iter(codes.values())))
    if N != 1:
        raise ZooError(f"one row is needed: give an image (D,), or its number in the fit's data; not {N} rows")
    return {n: v[0] for n, v in codes.items()}


def spherical_interpolation(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """``steps`` codes (steps, Z) from a (Z,) to b (Z,): directions on a great circle, lengths linear.

    Codes of different rows are nearly orthogonal. Half-way on the straight line between them a code would be shorter
    than either by a factor of up to 1.4, and closer to the prior's mean than codes of data are, where decoders give
    blurred averages (White 2016). The path is straight where the codes have the same or opposite directions.

    >>> spherical_interpolation(np.array([2.0, 0.0]), np.array([0.0, 1.0]), 3).round(3).tolist()
    [[2.0, 0.0], [1.061, 1.061], [0.0, 1.0]]
    """
    t = np.linspace(0, 1, steps)[:, None]
    lengths = np.linalg.norm([a, b], axis=1)
    if not lengths.all():
        return (1 - t) * a + t * b
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < NEARLY_STRAIGHT:
        return (1 - t) * a + t * b
    directions = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return ((1 - t) * lengths[0] + t * lengths[1]) * directions
