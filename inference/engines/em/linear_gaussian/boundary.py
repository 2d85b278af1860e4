"""Heywood cases: quasi-Newton steps with bounds where EM is sublinear, near a uniqueness of zero.

Near its boundary a uniqueness under EM falls like one over the number of iterations, so that a Heywood case looks like
a small uniqueness, and EM as if it had converged. The gradient of the likelihood is that of EM's own expected
likelihood (Fisher's identity), so an E-step is all that L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) needs, with the
floor of the noise as its bound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from inference.engines.em.linear_gaussian.statistics import Statistics
from zoo.linear import Linear

SMALL_UNIQUENESS = 0.2  # of a column's variance: a larger one does not approach the boundary
STATIONARY = 3e-6  # of itself in one iteration: a uniqueness that changes more has not converged
MAX_STEPS = 1000


def approaches_boundary(Psi: np.ndarray, next_Psi: np.ndarray) -> bool:
    """Whether a uniqueness is small, and EM's next iteration still changes it."""
    return bool(((Psi < SMALL_UNIQUENESS) & (np.abs(next_Psi - Psi) > STATIONARY * Psi)).any())


def maximise_with_bounds(
    expect: Callable[[Linear], tuple[list[Statistics], float]], start: Linear, total_weight: float, floor: float
) -> Linear:
    """Parameters of one component with a likelihood no lower than at ``start``, each column with a noise of its own.

    expect: the E-step, parameters to the statistics of the components and the log-likelihood. total_weight: of the
    rows. floor: the least noise.
    """
    D, Z = start.W.shape[1:]

    def unflatten(vector: np.ndarray) -> Linear:
        W, mu, Psi = np.split(vector, [D * Z, D * Z + D])
        return Linear(start.pi, W.reshape(1, D, Z), mu[None], Psi[None])

    def descent(vector: np.ndarray) -> tuple[float, np.ndarray]:
        linear = unflatten(vector)
        (s,), value = expect(linear)
        Psi = linear.Psi[0]
        slope, noise = s.cross / Psi[:, None], 0.5 * (s.square / Psi - s.num_rows) / Psi
        gradient = np.concatenate([slope[:, :Z].ravel(), slope[:, Z], noise])
        return -value / total_weight, -gradient / total_weight

    first = np.concatenate([start.W.ravel(), start.mu.ravel(), start.Psi.ravel()])
    bounds = [(None, None)] * (D * Z + D) + [(floor, None)] * D
    result = minimize(
        descent,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-9},
    )
    return unflatten(result.x) if result.fun <= descent(first)[0] else start
