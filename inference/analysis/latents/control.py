"""Controlled generation: some coordinates of the codes of rows are set to a value, and what changes is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import AmortisedPosterior, Code
from inference.analysis.latents.coding import point_codes
from inference.analysis.latents.control_attribute import classify_generated, read_attribute, wanted_classes
from inference.analysis.latents.control_record import ControlledRows
from inference.analysis.latents.inputs import code_site, picture_size, pixel_range, pixel_site, read_rows, set_labels
from inference.record import FitRecord
from zoo.checks import check_whole, is_whole
from zoo.data.column_kinds import column_levels
from zoo.data.intensities import Intensities
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

Values = ArrayLike | Sequence[float]


def control(
    fit: FitRecord,
    data: DataLike = None,
    z: Mapping[int, Values] | None = None,
    *,
    group: str | None = None,
    y: ArrayLike | None = None,
    attribute: ArrayLike | None = None,
    wanted: ArrayLike | None = None,
    classifier: ClassifierMixin | None = None,
    max_rows: int = 1000,
    seed: int = 0,
) -> ControlledRows:
    """Rows decoded from their codes with some coordinates set to a value, and what this changes.

    The other coordinates, other groups of latents and classes stay at those of the row.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    data : optional
        Rows as in ``encode``: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default
        the fit's data.
    z : dict of int to number, sequence or array
        By coordinate a number; a list of V values, each of which all rows get; an array (N,), a value for each row; or
        an array (V, N) or (V, 1). The lists of several coordinates have one length, and are taken together.
    group : str, optional
        The group of latents whose coordinates are set, where there are several.
    y : int or array of int, optional
        Classes by which rows are encoded and decoded; by default the labels, or the most probable classes.
    attribute : array, optional
        The value of an attribute for each row, (N,), numbers or words: a classifier of it is trained on the rows, and
        applied to what is generated.
    wanted : array, optional
        The value of the attribute that each value of ``z`` should give, as V of them or an array (V, N); by default the
        most frequent one among the rows whose codes are nearest in the coordinates that are set.
    classifier : optional
        A classifier of scikit-learn; by default a network with two layers of 100 units on columns from 0
        to 1.
    max_rows : int, default 1000
        Rows whose codes are changed, chosen at random where there are more. The classifier is trained on all.
    seed : int, default 0
        Of this choice and of the classifier.

    Returns
    -------
    ControlledRows
        What was generated and measured, with ``table``, ``figure()`` and ``print``.

    Raises
    ------
    ZooError
        For a fit without codes, a coordinate that the codes do not have, values that are not finite or not one for each
        row, data of other columns, and an attribute of one value.

    Examples
    --------
    ``latents.control(fit, z={0: [-2.0, 0.0, 2.0]})`` decodes each row with three values of its first coordinate.
    """
    posterior, site, observed = AmortisedPosterior(fit), code_site(fit, group), pixel_site(fit)
    check_whole(1, max_rows=max_rows)
    check_whole(0, seed=seed)
    rows = posterior.table(set_labels(fit, read_rows(fit, data), y))
    N = len(rows[observed])
    codes = point_codes(posterior, posterior.encode(rows))
    coordinates, all_values = read_settings(z, codes[site].shape[1], N)
    labels = None if attribute is None else read_attribute(attribute, N)
    if labels is None and (wanted is not None or classifier is not None):
        raise ZooError("wanted and classifier are of an attribute: give its value for each row, attribute=")
    chosen = np.sort(np.random.default_rng(seed).permutation(N)[:max_rows])
    values = np.broadcast_to(all_values, (*all_values.shape[:2], N))[..., chosen]  # (J, V, n)
    kept = {n: v[chosen] for n, v in codes.items()}

    def decode(code: np.ndarray) -> np.ndarray:
        return posterior.decode({**kept, site: code})[observed]

    def encode(generated: np.ndarray) -> np.ndarray:
        code = posterior.encode({**{n: v[chosen] for n, v in rows.items()}, observed: generated})[site]
        assert isinstance(code, Code)
        return code.mean

    def set_coordinates(setting: np.ndarray) -> np.ndarray:
        code = kept[site].copy()
        code[:, list(coordinates)] = setting.T
        return code

    unchanged = decode(kept[site])
    generated = np.stack([decode(set_coordinates(setting)) for setting in values.swapaxes(0, 1)])
    if labels is None:
        of_attribute = None
    else:
        if wanted is not None and np.ndim(wanted) == 2 and np.shape(wanted)[1] == N:
            wanted = np.asarray(wanted)[:, chosen]
        classes = wanted_classes(labels, wanted, codes[site][:, list(coordinates)], values)
        real = probabilities_or_rows(fit, data, rows[observed])
        of_attribute = classify_generated(labels, real, chosen, unchanged, generated, classes, classifier, seed)
    return ControlledRows(
        site=site,
        coordinates=coordinates,
        values=values.transpose(1, 2, 0),
        rows=chosen,
        data=rows[observed][chosen],
        codes=kept[site],
        unchanged=unchanged,
        generated=generated,
        unchanged_codes=encode(unchanged),
        generated_codes=np.stack([encode(x) for x in generated]),
        attribute=of_attribute,
        size=picture_size(fit),
        limits=pixel_range(fit),
        is_category=category_columns(fit),
    )


def category_columns(fit: FitRecord) -> np.ndarray | None:
    """Which columns of the rows are categories, (D,), by the setting that has their levels; None where none is."""
    columns = fit.keywords.get(fit.model.card.columns)
    if columns is None:
        return None
    is_category = np.array(column_levels(columns, fit.keywords["D"])) > 0
    return is_category if is_category.any() else None


def probabilities_or_rows(fit: FitRecord, data: DataLike, rows: np.ndarray) -> np.ndarray:
    """The probabilities of pixels where the data are intensities, which vary less than draws, or else the rows."""
    site, values = pixel_site(fit), fit.data if data is None else data
    given = values.get(site) if isinstance(values, Mapping) else values
    return given[:] if isinstance(given, Intensities) and given.shape == rows.shape else rows


def read_settings(z: Mapping[int, Values] | None, Z: int, N: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Coordinates, J of them, and their values, (J, V, N) or (J, V, 1); raises ZooError.

    >>> read_settings({1: [-1.0, 2.0], 0: 3.0}, 2, 5)[1].tolist()
    [[[-1.0], [2.0]], [[3.0], [3.0]]]
    """
    if not isinstance(z, Mapping) or not z:
        raise ZooError(f"z has the coordinates to set with their values, as in z={{0: [-2.0, 2.0]}}; given {z!r}")
    if wrong := [j for j in z if not is_whole(j) or not 0 <= j < Z]:
        raise ZooError(f"coordinates of a code are 0 to {Z - 1}; given {wrong[0]!r}")
    values = [read_values(f"z[{j}]", value, N) for j, value in z.items()]
    counts = sorted({len(v) for v in values} - {1})
    if len(counts) > 1:
        raise ZooError(f"lists of values are taken together, and have one length; given {counts[0]} and {counts[1]}")
    shape = (max(map(len, values)), max(v.shape[1] for v in values))
    return tuple(int(j) for j in z), np.stack([np.broadcast_to(v, shape) for v in values])


def read_values(name: str, value: Values, N: int) -> np.ndarray:
    """The values of one coordinate, (V, N) or (V, 1); raises ZooError."""
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        raise ZooError(f"{name} is a number, a list of numbers, or an array of them; given {value!r}") from None
    is_list = isinstance(value, list | tuple | range)
    if array.ndim < 2:
        array = array[None] if array.shape == (N,) and not is_list else array.reshape(-1, 1)
    if array.ndim != 2 or not array.size or array.shape[1] not in (1, N):
        shape = np.shape(value)
        raise ZooError(f"{name} is a number, a list of values, or an array ({N},) or (V, {N}); given shape {shape}")
    if not np.isfinite(array).all():
        raise ZooError(f"{name} has finite values; given {array[~np.isfinite(array)][0]}")
    return array
