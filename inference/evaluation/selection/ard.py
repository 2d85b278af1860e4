"""Automatic relevance determination: Bayesian PCA given many dimensions keeps those the rows want (Bishop 1999).

It is the same likelihood as that of probabilistic PCA. Factor analysis has no such relative here: one noise for all
columns would take what is a column's own for a direction, whichever unit the columns are in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import zoo
from inference.fitting import fit
from zoo import ZooError

if TYPE_CHECKING:
    from inference.result import Fit

KEPT = 0.01  # of sigma2. EM took columns it switched off below 1e-5 on all data tried, and left the others above 0.2


@dataclass(frozen=True)
class Relevance:
    """What became of each column of W, the longest first.

    kept: how many columns add to the variance along their direction more than a hundredth of the noise, |w_j|^2 >
    0.01 sigma2. lengths: |w_j|^2 / sigma2, (Z,). relevance: 1 / alpha_j, the squared length the prior came to expect of
    an entry of column j, (Z,), in squared units of the data. fit: Bayesian PCA, by MAP.
    """

    kept: int
    lengths: np.ndarray
    relevance: np.ndarray
    fit: Fit


def relevance(fits: dict[int, Fit]) -> Relevance:
    """Bayesian PCA with the settings and options of the largest fit; raises ZooError for a model not its relative."""
    largest = fits[max(fits)]
    relatives = ("probabilistic_pca", "bayesian_pca")
    if largest.model.card not in [zoo.card(name) for name in relatives]:
        raise ZooError(
            f"ard is that of Bayesian PCA, the relative of probabilistic_pca and not of {largest.model.name}"
        )
    if not largest.keywords["Z"]:
        raise ZooError("ard switches dimensions off, and none was asked for: give Z up to 1 or more")
    model = zoo.load("bayesian_pca", largest.model.backend, **largest.model.settings)
    options = {**largest.options, "objective": "map", "start": None}
    found = fit(model, largest.data, "em", seed=largest.seed, device=largest.device, dtype=largest.dtype, **options)
    lengths = np.square(found.params["W"]).sum(0) / found.params["sigma2"]
    order = np.argsort(-lengths, kind="stable")
    return Relevance(int((lengths > KEPT).sum()), lengths[order], 1 / found.params["alpha"][order], found)
