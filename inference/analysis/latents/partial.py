"""Reconstructions from the upper groups of latents of a row, the lower ones from the prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from inference.amortised import AmortisedPosterior
from inference.analysis.latents.coding import encode_rows, point_codes
from inference.analysis.latents.inputs import check_temperature, latent_layers, pixel_site
from inference.record import FitRecord
from zoo.checks import is_whole
from zoo.errors import ZooError
from zoo.types import DataLike

DEFAULT_LEVELS = 10  # beside 0, at most, unless levels are given


def partial_reconstructions(
    fit: FitRecord,
    data: DataLike = None,
    levels: int | Sequence[int] | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    y: ArrayLike | None = None,
) -> dict[int, np.ndarray]:
    """The mean of x given the codes of the upper groups of latents, the lower ones being those of the prior.

    They show which group holds what: coarse shape is usually in the upper groups and detail in the lower ones.

    Parameters
    ----------
    fit : Fit
        Fit with an encoder and several groups of latents.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.
    levels : int or sequence of int, optional
        Numbers of groups, from the top, that have the mean of their code: 0 for none, L for all. By default 0 to L, or
        eleven of these numbers where there are more.
    temperature : float, default 0
        The others are drawn from the prior given the groups above, with this factor of its standard deviation; at 0
        they are its mean, or most probable value.
    seed : int, default 0
        Of these draws.
    y : int or array of int, optional
        Classes by which rows are encoded; by default the labels, or the most probable classes.

    Returns
    -------
    dict of int to numpy.ndarray
        ``{level: (N, D)}``, in the units of the data; that of level L is ``reconstruct(fit, data)``.

    Raises
    ------
    ZooError
        If the fit has no encoder or one latent alone, or an argument does not fit the model.

    References
    ----------
    Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them on images. International
    Conference on Learning Representations.
    """
    posterior, names, site = AmortisedPosterior(fit), latent_layers(fit), pixel_site(fit)
    check_temperature(temperature, allows_zero=True)
    chosen = choose_levels(levels, len(names))
    codes = point_codes(posterior, encode_rows(posterior, data, y))
    N = len(codes[names[0]])

    def decoded(level: int) -> np.ndarray:
        latents = posterior.draw_prior(codes, N, temperature, seed, fixed=names[:level])
        return posterior.decode(latents)[site]

    return {level: decoded(level) for level in chosen}


def choose_levels(levels: int | Sequence[int] | None, L: int) -> list[int]:
    """The numbers of groups that are encoded; raises ZooError for one that is not from 0 to L.

    >>> choose_levels(None, 3), choose_levels(2, 3)
    ([0, 1, 2, 3], [2])
    >>> choose_levels(None, 40)
    [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    """
    if levels is None:
        return np.linspace(0, L, min(L, DEFAULT_LEVELS) + 1).round().astype(int).tolist()
    chosen = list(levels) if isinstance(levels, Sequence | np.ndarray) else [levels]
    for level in chosen:
        if not is_whole(level) or not 0 <= level <= L:
            raise ZooError(f"levels are numbers of encoded groups, whole numbers from 0 to {L}; given {level!r}")
    if not chosen:
        raise ZooError(f"levels are numbers of encoded groups, such as [0, {L}]: leave them out for all")
    return [int(level) for level in chosen]
