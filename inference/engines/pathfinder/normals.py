"""Normal distributions whose covariance is a diagonal and a matrix of low rank, from a history of gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

LEAST_CURVATURE = 1e-12  # of a step and a change of gradient, as a part of the square of the change
Pair = tuple[np.ndarray, np.ndarray]  # a step and the change of the negative gradient, (P,) each


def has_curvature(step: np.ndarray, change: np.ndarray) -> bool:
    """Whether the log density is concave along a step."""
    return bool(step @ change > LEAST_CURVATURE * (change @ change))


def next_diagonal(alpha: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The diagonal of the inverse Hessian after one more step (Gilbert and Lemaréchal 1989)."""
    a, b, c = change @ (alpha * change), change @ step, step @ (step / alpha)
    return 1 / (a / (b * alpha) + change**2 / b - a * step**2 / (b * c * alpha**2))


class NormalApproximation:
    """A normal distribution with the inverse Hessian of L-BFGS for covariance, at a point of its path.

    The covariance is diag(alpha) + beta gamma beta' with beta (P, 2 J) from the last J pairs (Byrd, Nocedal and
    Schnabel 1994, "Representations of quasi-Newton matrices and their use in limited memory methods"). Draws and
    densities cost P J. gradient: of the log density at the point.
    """

    def __init__(self, point: np.ndarray, gradient: np.ndarray, alpha: np.ndarray, pairs: Sequence[Pair]):
        self.root = np.sqrt(alpha)
        S, Y = (
            np.array(a).T.reshape(len(point), len(pairs)) for a in (zip(*pairs, strict=True) if pairs else ((), ()))
        )
        products = S.T @ Y
        R, eta, J = np.triu(products), np.diag(products), len(pairs)
        inverse = np.linalg.inv(R) if J else R
        inner = np.diag(eta) + Y.T @ (alpha[:, None] * Y)
        gamma = np.block([[np.zeros((J, J)), -inverse], [-inverse.T, inverse.T @ inner @ inverse]])
        beta = np.concatenate([alpha[:, None] * Y, S], 1)
        self.Q, R_of_beta = np.linalg.qr(beta / self.root[:, None])
        middle = np.eye(self.Q.shape[1]) + R_of_beta @ gamma @ R_of_beta.T
        self.L = np.linalg.cholesky((middle + middle.T) / 2)
        self.log_det = float(np.log(self.root).sum() + np.log(np.diag(self.L)).sum())
        self.mean = point + alpha * gradient + beta @ (gamma @ (beta.T @ gradient))

    def transform(self, noise: np.ndarray) -> np.ndarray:
        """Draws (draws, P) from standard normal ones."""
        along = noise @ self.Q
        return self.mean + self.root * (noise + (along @ self.L.T - along) @ self.Q.T)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """The log density of points, (points, P), in nats."""
        y = (x - self.mean) / self.root
        along = y @ self.Q
        inner = solve_triangular(self.L, along.T, lower=True)
        squares = (y**2).sum(1) - (along**2).sum(1) + (inner**2).sum(0)
        return -0.5 * squares - self.log_det - 0.5 * x.shape[1] * np.log(2 * np.pi)
