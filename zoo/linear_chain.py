"""Linear-Gaussian chains, as cards describe them: each step of a sequence is a linear function of latents that move.

    z_1 ~ Normal(loc, S S')                [Z]
    z_t ~ Normal(A z_{t-1}, Q Q')          [Z]
    x_t ~ Normal(W z_t + mu, diag(Psi))    [D]

The exact inference that this allows, by a Kalman filter and smoother, is in ``inference.exact.kalman``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class LinearChain(NamedTuple):
    """The parameters as NumPy arrays with any leading dimensions; S and Q are roots of the covariances."""

    loc: np.ndarray  # (..., Z)
    S: np.ndarray  # (..., Z, Z)
    A: np.ndarray  # (..., Z, Z)
    Q: np.ndarray  # (..., Z, Z)
    W: np.ndarray  # (..., D, Z)
    mu: np.ndarray  # (..., D)
    Psi: np.ndarray  # (..., D)
