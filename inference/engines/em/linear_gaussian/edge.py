"""Up to the edge, where a uniqueness is zero: EM only creeps there, and quasi-Newton steps with bounds arrive.

Near its edge a uniqueness under EM falls like one over the number of iterations, so that a Heywood case looks like a
small uniqueness, and EM as if it had converged. The gradient of the likelihood is that of EM's own expected likelihood
(Fisher's identity), so an E-step is all that L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) needs, with the floor of the
noise for its bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from inference.engines.em.linear_gaussian.maximise import left_over

if TYPE_CHECKING:
    from inference.engines.em.linear_gaussian.climber import Climber, State

NEAR = 0.2  # of a column's variance: a uniqueness above it is not on its way to the edge
STILL = 3e-6  # of itself in one iteration: a uniqueness that moves more has not arrived
STEPS = 1000


def creeps(Psi: np.ndarray, after: np.ndarray) -> bool:
    """Whether a uniqueness is small, and EM's next iteration still moves it."""
    return bool(((Psi < NEAR) & (np.abs(after - Psi) > STILL * Psi)).any())


def climbed(em: Climber, state: State) -> State:
    """A state of one component, each column with a noise of its own, at least as high as the one given."""
    D, Z = state["W"].shape[1:]
    rows = float(em.weights.sum())

    def whole(vector: np.ndarray) -> State:
        W, mu, Psi = np.split(vector, [D * Z, D * Z + D])
        return {**state, "W": W.reshape(1, D, Z), "mu": mu[None], "Psi": Psi[None]}

    def descent(vector: np.ndarray) -> tuple[float, np.ndarray]:
        at = whole(vector)
        (s,), value = em.expected(at)
        w, Psi = np.concatenate([at["W"][0], at["mu"][0][:, None]], axis=1), at["Psi"][0]
        slope = (s.cross - np.einsum("dij,dj->di", s.inner, w)) / Psi[:, None]
        noise = 0.5 * (left_over(s, w) / Psi - s.count) / Psi
        return -value / rows, -np.concatenate([slope[:, :Z].ravel(), slope[:, Z], noise]) / rows

    start = np.concatenate([state["W"].ravel(), state["mu"].ravel(), state["Psi"].ravel()])
    bounds = [(None, None)] * (D * Z + D) + [(em.floor, None)] * D
    found = minimize(
        descent,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-9},
    )
    return whole(found.x) if found.fun <= descent(start)[0] else state
