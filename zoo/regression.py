"""Regressions of steps: what a model's observed steps regress on, with coefficients of their state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Regression(NamedTuple):
    """The responses and regressors of the steps of sequences.

    Attributes
    ----------
    responses : array, (N, T, C)
        In the units of the data, NaN where missing, and where the density does not depend on the state.
    regressors : array, (N, T, Q)
        The first is 1, the others have numbers near 1; without NaN.
    """

    responses: np.ndarray
    regressors: np.ndarray
