"""Automatic relevance determination: Bayesian PCA keeps those of many dimensions that the rows support (Bishop 1999).

It has the likelihood of probabilistic PCA. Factor analysis has no such counterpart here: one noise variance for all
columns would take the variance of a single column for a dimension, depending on the units of the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import zoo
from inference.fitting import fit
from inference.result import Fit
from zoo import ZooError

# of sigma2. On all data tried, EM took the columns it switched off below 1e-5, and left the others above 0.2
KEPT_LENGTH = 0.01


@dataclass(frozen=True)
class Relevance:
    """The relevance of each column of W, the longest first.

    Attributes
    ----------
    dimensions : int
        How many columns add more than a hundredth of the noise to the variance along their direction,
        |w_j|^2 > 0.01 sigma2.
    lengths : array, (Z,)
        |w_j|^2 / sigma2.
    relevance : array, (Z,)
        1 / alpha_j, the expected square of an entry of column j under its prior, in squared units of the data.
    fit : Fit
        Bayesian PCA, by MAP.
    """

    dimensions: int
    lengths: np.ndarray
    relevance: np.ndarray
    fit: Fit


def compute_relevance(fits: Mapping[int, Fit]) -> Relevance:
    """Bayesian PCA with the settings and options of the largest fit; raises ZooError for a model of another kind."""
    largest = fits[max(fits)]
    if largest.model.card not in [zoo.card(name) for name in ("probabilistic_pca", "bayesian_pca")]:
        raise ZooError(f"ard is that of Bayesian PCA, a variant of probabilistic_pca and not of {largest.model.name}")
    if not largest.keywords["Z"]:
        raise ZooError("ard switches dimensions off, and Z is 0: give Z up to 1 or more")
    model = zoo.load("bayesian_pca", largest.model.backend, **largest.model.settings)
    options = {**largest.options, "objective": "map", "start": None}
    run = {"seed": largest.seed, "device": largest.device, "dtype": largest.dtype}
    pca = fit(model, largest.data, "em", **run, **options)
    lengths = np.square(pca.params["W"]).sum(0) / pca.params["sigma2"]
    order = np.argsort(-lengths, kind="stable")
    return Relevance(int((lengths > KEPT_LENGTH).sum()), lengths[order], 1 / pca.params["alpha"][order], pca)
