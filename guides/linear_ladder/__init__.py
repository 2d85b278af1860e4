"""Two guides of the linear ladder, each of which is the exact posterior at its best parameters.

With ``encoder="ladder"`` a row gives each layer a message exp(h_l' z_l - z_l' M_l z_l / 2), where h_l is linear in the
row, h_l = H_l' (x_n - loc) / spread + b_l, and M_l = R_l R_l'. Going down from the top, the posterior of a layer is its
prior times the message, which is normal with the sum of both precisions (Sonderby et al. 2016). It is exact where the
messages are those of the backward information filter: ``information_filter`` computes them. With "bottom_up" q(z_1 | x)
is normal about a linear function of the row, and q(z_l | z_(l-1)) about one of the layer below, each with a covariance
of its own.

Neither expresses that a row with missing values (which enter as the column's mean) has a wider posterior.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

OPTIONS = {"collapsed": False}  # the guide has a posterior for each layer


def information_filter(
    params: Mapping[str, np.ndarray], loc: np.ndarray | float = 0.0, spread: np.ndarray | float = 1.0
) -> dict[str, np.ndarray]:
    """The messages with which the guide is the posterior of a ladder with these parameters.

    Going up, M_1 = W' Psi^-1 W and h_1 = W' Psi^-1 (x - mu); with P = diag(s_l^-2) and A = V_l' P (P + M_l)^-1,
    M_(l+1) = A M_l V_l and h_(l+1) = A h_l: the layer between is integrated out.

    Parameters
    ----------
    params : dict of str to array
        W (D, Z), mu (D,), Psi (D,), ladder.weight (L - 1, Z, Z), ladder.scale (L - 1, Z), as in ``fit.state``.
    loc, spread : array (D,) or float
        The keywords of the model.

    Returns
    -------
    dict of str to ndarray
        encoder.weight (L, D, Z), encoder.bias (L, Z), encoder.root (L, Z, Z), from z_1 up: parameters of the guide.

    References
    ----------
    Anderson, B. D. O. and Moore, J. B. (1979). Optimal Filtering, section 6.3. Prentice-Hall.
    """
    W, mu, Psi = (np.asarray(params[n], float) for n in ("W", "mu", "Psi"))
    loc, spread = (np.broadcast_to(np.asarray(v, float), mu.shape) for v in (loc, spread))
    gain = W.T / Psi
    precisions, gains = [gain @ W], [gain]
    for V, s in zip(params["ladder.weight"], params["ladder.scale"], strict=True):
        P, M = np.diag(1 / np.asarray(s, float) ** 2), precisions[-1]
        A = np.linalg.solve(P + M, P @ V).T
        precision = A @ M @ V
        precisions.append((precision + precision.T) / 2)
        gains.append(A @ gains[-1])
    return {
        "encoder.weight": np.stack([(g * spread).T for g in gains]),
        "encoder.bias": np.stack([g @ (loc - mu) for g in gains]),
        "encoder.root": np.stack([root(M) for M in precisions]),
    }


def root(matrix: np.ndarray) -> np.ndarray:
    """A matrix R with R R' the given one, which may be singular to rounding."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0.0))
