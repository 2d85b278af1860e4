"""Encoding rows and decoding codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import AmortisedPosterior, Code
from inference.analysis.latents.inputs import class_site, class_values, code_site, pixel_site, read_rows, set_labels
from inference.record import FitRecord
from zoo.data.tables import as_numbers
from zoo.errors import ZooError
from zoo.types import DataLike


def encode(fit: FitRecord, data: DataLike = None, y: ArrayLike | None = None) -> Code:
    """The encoder's posterior q(z_n | x_n) of each row.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.
    y : int or array of int, optional
        Classes of the rows, for a model with classes; by default the labels, or the most probable classes.

    Returns
    -------
    Code
        ``mean`` and ``sd``, numpy arrays of shape (N, Z); unpacks as a tuple.

    Raises
    ------
    ZooError
        If the fit has no encoder, or the data or classes do not fit the model.
    """
    code = encode_rows(AmortisedPosterior(fit), data, y)[code_site(fit)]
    assert isinstance(code, Code)  # the latent of a class is another site
    return code


def decode(fit: FitRecord, z: DataLike, y: ArrayLike | None = None) -> np.ndarray:
    """The mean of x given each code.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder.
    z : array
        Codes of shape (count, Z).
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
    posterior, z = AmortisedPosterior(fit), as_numbers("z", z)
    if fit.model.card.enumerated and y is None:
        raise ZooError(f"{fit.model.name} decodes a code and a class: give y, from 0 to {fit.keywords['C'] - 1}")
    return posterior.decode({code_site(fit): z, **class_values(fit, y, len(z))})[pixel_site(fit)]


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
