"""The general M-step: a few quasi-Newton steps up a smooth function of free numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize


def ascend(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    at: np.ndarray,
    scale: float,
    max_steps: int = 50,
) -> np.ndarray:
    """A point at which the function is no lower than ``at``: L-BFGS (Liu and Nocedal 1989) from there.

    ``scale`` is the size of the function's natural unit (the number of rows): it is divided out, so that the
    stopping rule means the same for every data set.
    """

    def descend(free: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = value_and_gradient(free)
        return -float(value) / scale, -np.asarray(gradient, dtype=float) / scale

    before = descend(at)[0]
    found = minimize(
        descend, at, jac=True, method="L-BFGS-B", options={"maxiter": max_steps, "ftol": 1e-16, "gtol": 1e-10}
    )
    return found.x if found.fun <= before else at
