"""Encoding rows and decoding codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import AmortisedPosterior, Code
from inference.analysis.latents.inputs import (
    class_site,
    class_values,
    code_site,
    code_sites,
    pixel_site,
    read_rows,
    set_labels,
)
from inference.record import FitRecord
from zoo.data.tables import as_numbers
from zoo.errors import ZooError
from zoo.types import DataLike


@overload
def encode(fit: FitRecord, data: DataLike = None, y: ArrayLike | None = None, *, group: str) -> Code: ...


@overload
def encode(fit: FitRecord, data: DataLike = None, y: ArrayLike | None = None, group: None = None) -> Any: ...


def encode(fit: FitRecord, data: DataLike = None, y: ArrayLike | None = None, group: str | None = None) -> Any:
    """The encoder's posterior q(z_n | x_n) of each row.

    Of several groups of latents, that of a group is given the means of those that the encoder draws before.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.
    y : int or array of int, optional
        Classes of the rows, for a model with classes; by default the labels, or the most probable classes.
    group : str, optional
        A latent of the rows, such as "z2", where there are several.

    Returns
    -------
    Code, or dict of str to Code
        ``mean`` and ``sd``, numpy arrays of shape (N, Z); unpacks as a tuple. Where there are several groups of latents
        and none is named, the code of each, top layer first.

    Raises
    ------
    ZooError
        If the fit has no encoder or no such group, or the data or classes do not fit the model.
    """
    posterior = AmortisedPosterior(fit)
    names = code_sites(fit) if group is None else [code_site(fit, group)]
    encoded = encode_rows(posterior, data, y)
    codes = {n: code for n in names if isinstance(code := encoded[n], Code)}
    return codes if len(codes) > 1 else codes[names[0]]


def decode(fit: FitRecord, z: DataLike, y: ArrayLike | None = None) -> np.ndarray:
    """The mean of x given each code.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    z : array, or dict of str to array
        Codes of shape (count, Z); where there are several groups of latents those of each, by name.
    y : int or array of int, optional
        Class of each code, or one class for all; required for a model with classes.

    Returns
    -------
    numpy.ndarray
        Shape (count, D), in the units of the data; probabilities of a one for binary pixels.

    Raises
    ------
    ZooError
        If the fit has no encoder, or the codes or classes do not fit the model.
    """
    posterior, names = AmortisedPosterior(fit), code_sites(fit)
    if not isinstance(z, Mapping) and len(names) > 1:
        raise ZooError(f"{fit.model.name} decodes the codes of {', '.join(names)}: give a dict with an array for each")
    codes = {n: np.asarray(as_numbers(n, v)) for n, v in (z.items() if isinstance(z, Mapping) else [(names[0], z)])}
    if fit.model.card.enumerated and y is None:
        raise ZooError(f"{fit.model.name} decodes a code and a class: give y, from 0 to {fit.keywords['C'] - 1}")
    classes = class_values(fit, y, len(next(iter(codes.values()), ())))
    return posterior.decode({**codes, **classes})[pixel_site(fit)]


def reconstruct(fit: FitRecord, data: DataLike = None, y: ArrayLike | None = None) -> np.ndarray:
    """The mean of x given the mean of each row's code; missing pixels are filled in.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.
    y : int or array of int, optional
        Classes by which rows are encoded and decoded; by default the labels, or the most probable classes.

    Returns
    -------
    numpy.ndarray
        Shape (N, D), in the units of the data.

    Raises
    ------
    ZooError
        If the fit has no encoder, or the data or classes do not fit the model.
    """
    posterior = AmortisedPosterior(fit)
    return posterior.decode(point_codes(posterior, encode_rows(posterior, data, y)))[pixel_site(fit)]


def classify(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """Class probabilities q(y_n | x_n) of each row; labels are not used.

    Parameters
    ----------
    fit : Fit
        Fit of a model with a classifier, such as ``semi_supervised_vae``.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.

    Returns
    -------
    numpy.ndarray
        Shape (N, C).

    Raises
    ------
    ZooError
        If the fit has no classifier, or the data do not fit the model.
    """
    posterior, site = AmortisedPosterior(fit), class_site(fit)
    rows = read_rows(fit, data)
    unlabelled = {n: v if n == pixel_site(fit) else np.full(len(v), np.nan) for n, v in rows.items()}
    return posterior.encode(unlabelled)[site]


def encode_rows(
    posterior: AmortisedPosterior, data: DataLike, y: ArrayLike | None = None
) -> dict[str, Code | np.ndarray]:
    """The code of each row, and its class probabilities where there are classes; raises ZooError."""
    fit = posterior.fit
    return posterior.encode(posterior.table(set_labels(fit, read_rows(fit, data), y)))


def point_codes(posterior: AmortisedPosterior, codes: dict[str, Code | np.ndarray]) -> dict[str, np.ndarray]:
    """The mean of each code, and the most probable class or categories, as the decoder takes them."""

    def point(name: str, code: Code | np.ndarray) -> np.ndarray:
        if isinstance(code, Code):
            return code.mean
        labels = code.argmax(-1)
        return np.eye(code.shape[-1])[labels] if posterior.sites[name].kind == "one_hot" else labels

    return {n: point(n, code) for n, code in codes.items()}
