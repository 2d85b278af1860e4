"""alpha and eta by Minka's fixed point on the counts of a state (Minka 2000, "Estimating a Dirichlet distribution")."""

from __future__ import annotations

import numpy as np

from inference.engines.gibbs.latent_dirichlet.tallies import Tallies, Tally

STEPS = 20
LEAST = 1e-5  # a topic that nobody uses would have alpha 0, and never be used again
EVERY = 10  # sweeps


def learned_alpha(tallies: Tallies, alpha: np.ndarray, kind: str) -> np.ndarray:
    """A better alpha, (K,): towards the maximum of p(z | alpha), with all K free or, "symmetric", one number."""
    for _ in range(STEPS):
        of_lengths = tallies.lengths.slope(float(alpha.sum()))
        if not of_lengths:
            return alpha  # every document is empty
        slopes = np.array([tally.slope(a) for tally, a in zip(tallies.by_topic, alpha, strict=True)])
        slopes = slopes if kind == "asymmetric" else np.full(len(alpha), slopes.mean())
        alpha = np.maximum(alpha * slopes / of_lengths, LEAST)
    return alpha


def learned_eta(tallies: Tallies, eta: float, V: int) -> float:
    """A better eta: towards the maximum of p(w | z, eta)."""
    totals = Tally.of(tallies.totals)
    for _ in range(STEPS):
        of_totals = V * totals.slope(V * eta)
        if not of_totals:
            return eta
        eta = max(eta * tallies.words.slope(eta) / of_totals, LEAST)
    return eta
