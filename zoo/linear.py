"""Linear-Gaussian models, as cards describe them: a row is a linear function of its latents, plus noise.

    c_n  ~ Categorical(pi)                      the component, in a mixture
    z_n  ~ Normal(0, I)                         [Z]
    x_n  ~ Normal(W_c z_n + mu_c, diag(Psi_c))  [D]

so that p(x_n) is a mixture of normals with covariances W_c W_c' + diag(Psi_c) (Bishop 2006, section 12.2). The exact
inference that this allows is in ``inference.gaussian``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Linear(NamedTuple):
    """The parameters as NumPy arrays with any leading dimensions; K = 1 for one component."""

    pi: np.ndarray  # (..., K)
    W: np.ndarray  # (..., K, D, Z)
    mu: np.ndarray  # (..., K, D)
    Psi: np.ndarray  # (..., K, D)

    @classmethod
    def single(cls, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Linear:
        """The parameters of one component: W (..., D, Z), mu (..., D), Psi (..., D)."""
        return cls(np.ones((*mu.shape[:-1], 1)), W[..., None, :, :], mu[..., None, :], Psi[..., None, :])
