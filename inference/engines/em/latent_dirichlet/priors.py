"""alpha and eta learned: the Dirichlet that the expected logarithms of theta, or of phi, are likeliest under."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, polygamma, psi

from inference.engines.em.latent_dirichlet.topics import Topics

LEAST, MOST = 1e-4, 1e4
TURNS = 100
ROWS = 10_000  # of gamma, looked at together


def learned_alpha(how: str | None, gamma: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) where documents have q(theta) = Dirichlet(gamma), (N, K); how: None leaves it as it is."""
    return of_logs(how, mean_log(gamma), alpha) if how else alpha


def of_logs(how: str, logs: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) from the mean E[log theta] (K,), "symmetric" or "asymmetric"."""
    K = len(alpha)
    if K == 1:  # theta is 1, whatever alpha
        return alpha
    return np.full(K, symmetric(float(logs.sum()), K)) if how == "symmetric" else asymmetric(logs, alpha)


def mean_log(gamma: np.ndarray) -> np.ndarray:
    """The mean over documents of E[log theta], (K,)."""
    total = np.zeros(gamma.shape[1])
    for i in range(0, len(gamma), ROWS):
        rows = gamma[i : i + ROWS].astype(float)
        total += (psi(rows) - psi(rows.sum(1, keepdims=True))).sum(0)
    return total / len(gamma)


def learned_eta(wanted: bool, topics: Topics, eta: float) -> float:
    """eta where the topics are as q(phi) has them, or as it is."""
    V, K = topics.log_phi.shape
    return symmetric(float(topics.log_phi.sum()) / K, V) if wanted and V > 1 else eta


def symmetric(total: float, K: int) -> float:
    """The one number a of Dirichlet(a, ..., a) over K, from the expected sum of the K logarithms.

    The maximum of log Gamma(K a) - K log Gamma(a) + (a - 1) total, which is concave in a; from 1e-4 to 1e4.

    >>> round(symmetric(total=2 * (psi(0.7) - psi(1.4)), K=2), 9)
    0.7
    """

    def slope(a: float) -> float:
        return float(K * (psi(K * a) - psi(a)) + total)

    if slope(LEAST) <= 0:
        return LEAST
    return MOST if slope(MOST) >= 0 else float(brentq(slope, LEAST, MOST, xtol=1e-12, rtol=1e-12))


def asymmetric(logs: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) likeliest where the expected logarithms of theta are ``logs`` (K,), no lower than the one given.

    Newton's steps by the inverse of a diagonal matrix and one more of rank one (Minka 2000, Estimating a Dirichlet
    distribution, section 1), shortened until they climb; numbers from 1e-4 to 1e4.
    """

    def height(a: np.ndarray) -> float:
        return float(gammaln(a.sum()) - gammaln(a).sum() + (a - 1) @ logs)

    best = height(alpha)
    for _ in range(TURNS):
        slope = psi(alpha.sum()) - psi(alpha) + logs
        curvature = -polygamma(1, alpha)
        common = (slope / curvature).sum() / (1 / polygamma(1, alpha.sum()) + (1 / curvature).sum())
        step = -(slope - common) / curvature
        for _ in range(TURNS):
            further = np.clip(alpha + step, np.maximum(LEAST, 0.1 * alpha), np.minimum(MOST, 10 * alpha))
            gained = height(further) - best
            if gained >= 0:
                break
            step = step / 2
        else:
            return alpha
        alpha, best = further, best + gained
        if gained <= 1e-12 * abs(best):
            break
    return alpha
