"""Closed-form EM for linear-Gaussian chains (Shumway and Stoffer 1982; Ghahramani and Hinton 1996), in NumPy.

The E-step is the Kalman smoother (``inference.exact.kalman``), each sequence up to its last observed value. The M-step
is the model's own, from ``ChainMoments``: the regression of each step on the one before, that of each column on the
latents, and variances. EM is slow where a variance is near zero. As for factors, iterations are extrapolated by SQUAREM
(``em/acceleration.py``), and after some the maximum is sought by L-BFGS-B, whose gradient is that of the expected log
joint (Fisher's identity). No step is made that would lower the objective.

A model takes part by ``Card.linear_chain`` and a hook of the kind "linear_chain", a ``closed_form.LinearChainForm``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ChainMoments(NamedTuple):
    """The data and what is known of the latents given it, with the weight of each sequence in ``counted``.

    Attributes
    ----------
    x : array, (N, T, D)
        The values, 0 where missing.
    counted : array, (N, T, D)
        The weight of each value, 0 where missing.
    moves : array, (N, T - 1)
        The weight of each move to the next step, 0 beyond the end of a sequence.
    mean : array, (N, T, Z)
        Means of the latents.
    cov : array, (N, T, Z, Z)
        Covariances of the latents of a step.
    lag : array, (N, T - 1, Z, Z)
        Covariances of the latents of a step, as rows, with those of the step before.
    """

    x: np.ndarray
    counted: np.ndarray
    moves: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    lag: np.ndarray

    def residual_squares(self, W: np.ndarray, mu: np.ndarray) -> np.ndarray:
        """The expected sum of (x - W z - mu)^2 of each column, (D,)."""
        rest = self.x - self.mean @ W.T - mu
        spread = np.einsum("ntd,ntij->dij", self.counted, self.cov, optimize=True)
        return (self.counted * rest**2).sum((0, 1)) + np.einsum("di,dij,dj->d", W, spread, W)

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """The expected sums of z_{t-1} z_{t-1}' and z_{t-1} z_t' over the moves, (Z, Z) each."""
        earlier, later = self.mean[:, :-1], self.mean[:, 1:]
        weighted = self.moves[..., None] * earlier
        before, lag = (np.tensordot(self.moves, v, 2) for v in (self.cov[:, :-1], self.lag))
        return (
            np.tensordot(weighted, earlier, ((0, 1), (0, 1))) + before,
            np.tensordot(weighted, later, ((0, 1), (0, 1))) + lag.T,
        )

    def regressions(self, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each column's regression on (z, 1): the expected sums of squares, (D, Z + 1, Z + 1), and with x - mu."""
        Z = self.mean.shape[-1]
        design = np.concatenate([self.mean, np.ones((*self.mean.shape[:2], 1))], -1)
        weighted = np.einsum("ntd,nti->dtni", self.counted, design, optimize=True)
        gram = np.einsum("dtni,ntj->dij", weighted, design, optimize=True)
        gram[:, :Z, :Z] += np.einsum("ntd,ntij->dij", self.counted, self.cov, optimize=True)
        return gram, np.einsum("dtni,ntd->di", weighted, self.x - mu, optimize=True)

    def move_squares(self, A: np.ndarray) -> np.ndarray:
        """The expected sum of (z_t - A z_{t-1})^2 of each latent, (Z,)."""
        rest = self.mean[:, 1:] - self.mean[:, :-1] @ A.T
        now, before, lag = (np.tensordot(self.moves, v, 2) for v in (self.cov[:, 1:], self.cov[:, :-1], self.lag))
        spread = now - A @ lag.T - lag @ A.T + A @ before @ A.T
        return (self.moves[..., None] * rest**2).sum((0, 1)) + np.diag(spread)
