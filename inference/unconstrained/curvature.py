"""The shape of a log density near a point: how wide it is in each direction, and where its mode is.

What the data is measured in stretches a posterior by any factor; a sampler or a guide that counts in widths found
here does not notice. Exact second derivatives, one product with the Hessian for each free number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import minimize

from zoo import ZooError

# (point, direction) -> log density in nats, gradient, and the Hessian times the direction
ValueGradHvp = Callable[[np.ndarray, np.ndarray], Any]
TOO_MANY = 4000  # free numbers, above which the Hessian is not worth its time and every width counts as 1
FLATTEST = 1e-4  # least curvature in a direction, as part of that which its coordinates have by themselves


class Mode(NamedTuple):
    """A local mode, (P,), and the Hessian of the log density there with its sign turned, (P, P), or its diagonal."""

    centre: np.ndarray
    precision: np.ndarray

    @property
    def sd(self) -> np.ndarray:
        """1 / sqrt of the precision's diagonal, (P,): the standard deviations of a normal mean-field approximation."""
        return widths(self.precision)

    @property
    def root(self) -> np.ndarray:
        """Lower Cholesky factor of the covariance, (P, P): Laplace's approximation, made proper where it is not.

        Raises ZooError for so many free numbers that a matrix of them is out of reach.
        """
        if self.precision.ndim < 2:
            raise ZooError(
                f"{self.centre.size} free numbers have too large a covariance (up to {TOO_MANY} can be had): "
                "take guide='mean_field'"
            )
        sd = self.sd
        values, vectors = np.linalg.eigh(self.precision * sd * sd[:, None])
        covariance = (vectors / np.maximum(np.abs(values), FLATTEST)) @ vectors.T
        return cholesky(covariance * sd * sd[:, None], lower=True)


def precision(value_grad_hvp: ValueGradHvp, at: np.ndarray) -> np.ndarray:
    """The Hessian of the log density at a point with its sign turned, (P, P); for a great many numbers (P,) ones."""
    if at.size > TOO_MANY:
        return np.ones(at.size)
    hessian = np.array([value_grad_hvp(at, direction)[2] for direction in np.eye(at.size)])
    return -(hessian + hessian.T) / 2


def widths(precision: np.ndarray) -> np.ndarray:
    """The distance in each coordinate over which the density changes, (P,): 1 / sqrt |curvature|, 1 where flat."""
    curvature = np.abs(precision if precision.ndim < 2 else np.diagonal(precision))
    return np.where(np.isfinite(curvature) & (curvature > 0), curvature, 1.0) ** -0.5


def climb(value_grad_hvp: ValueGradHvp, at: np.ndarray, max_steps: int = 200) -> Mode:
    """The local mode uphill of a point: L-BFGS (Liu and Nocedal 1989) in units of the widths there.

    Raises ZooError where the density is not a number at the point itself.
    """
    value, still = value_grad_hvp(at, np.zeros_like(at))[0], np.zeros_like(at)
    if not np.isfinite(value):
        raise ZooError(
            f"the log density is {value} where the fit begins: give start=, a dict of values that are possible"
        )
    unit = widths(precision(value_grad_hvp, at))

    def downhill(steps: np.ndarray) -> tuple[float, np.ndarray]:
        height, gradient, _ = value_grad_hvp(at + unit * steps, still)
        if np.isfinite(height) and np.isfinite(gradient).all():
            return value - height, -gradient * unit
        return 1e10, still  # a wall, from which the line search turns back

    found = minimize(
        downhill, still, jac=True, method="L-BFGS-B", options={"maxiter": max_steps, "gtol": 1e-7, "ftol": 1e-14}
    )
    centre = at + unit * found.x if found.fun <= 0 else at
    return Mode(centre, precision(value_grad_hvp, centre))
