"""What the E-step needs of the topics: the factors of each word, where topics are Dirichlet or known exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, psi

from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.threads import Threads
from zoo import ZooError


class Topics(NamedTuple):
    """B: (V, filled K) float32, exp(log_phi - scale). log_phi: (V, K), E[log phi]. scale: (V,).

    entropy: that of q(phi), less the sum of log_phi, in nats.
    """

    B: np.ndarray
    log_phi: np.ndarray
    scale: np.ndarray
    entropy: float

    def height(self, eta: float) -> float:
        """The topics' part of the bound, E[log p(phi | eta)] - E[log q(phi)] in nats."""
        V, K = self.log_phi.shape
        return float(self.entropy + eta * self.log_phi.sum() + K * (gammaln(V * eta) - V * gammaln(eta)))


def filled(K: int) -> int:
    """K rounded up to what the loops over topics take."""
    return -(-K // kernels.TOGETHER) * kernels.TOGETHER


def of_dirichlet(lam: np.ndarray, total: np.ndarray, threads: Threads) -> Topics:
    """Words lam (V, K) float64 of topics phi_k ~ Dirichlet, where ``total`` (K,) sums over all there are."""
    V, K = lam.shape
    B, log_phi = np.zeros((V, filled(K)), np.float32), np.empty((V, K))
    scale, entropy, below = np.empty(V), np.empty(V), psi(total)
    threads.over(
        np.arange(V + 1),
        lambda first, last: kernels.of_topics(lam, below, first, last, B, log_phi, scale, entropy),
    )
    return Topics(B, log_phi, scale, float(entropy.sum() - gammaln(total).sum()))


def of_phi(phi: np.ndarray) -> Topics:
    """Topics known to be phi (K, V). Raises ZooError for what is no probability, or a word that no topic has."""
    phi = np.asarray(phi, float)
    if phi.ndim != 2 or not (np.isfinite(phi).all() and (phi >= 0).all()):
        raise ZooError(f"topics are probabilities by topic and word, (K, V): numbers from 0 up; given {phi.shape}")
    K, V = phi.shape
    highest = phi.max(0)
    if not highest.all():
        raise ZooError(f"word {int(np.argmin(highest))} has probability 0 in all {K} topics: give it a little in each")
    with np.errstate(divide="ignore"):
        log_phi = np.ascontiguousarray(np.log(phi).T)
    B = np.zeros((V, filled(K)), np.float32)
    B[:, :K] = (phi / highest).T
    B[B < kernels.NOTHING] = 0
    return Topics(B, log_phi, np.log(highest), 0.0)
