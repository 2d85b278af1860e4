"""The local curvature of a log density: scales, preconditioners and modes.

The units of the data stretch a posterior by any factor; a sampler or a guide in the coordinates found here does not
depend on them. Second derivatives are exact, by one product with the Hessian for each coordinate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import OptimizeResult, minimize

from zoo import ZooError
from zoo.errors import DensityError

# (point, direction) -> log density in nats, gradient, and the Hessian times the direction
ValueGradHvp: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray, np.ndarray]]
MAX_HESSIAN_SIZE = 4000  # coordinates, above which the Hessian takes too long and every scale counts as 1
SHRINKING = 1e-4  # scales of this part of those at the start, where the density still rises: there is no mode
STATIONARY = 1e-2  # slope in nats per scale below which a point is a mode
NUM_FIXED_DRAWS = 16  # of the ELBO of a start, in pairs of opposite signs
MAX_NORMAL_STEPS = 60  # of its ascent: training goes on from there
START_QUANTILES = (0.75, 0.25, 0.9, 0.1, 0.97, 0.03)
MIN_CURVATURE = 1e-4  # in a direction, as a part of that which the coordinates have by themselves


class Mode(NamedTuple):
    """A local mode, (P,), and the negative Hessian of the log density there: (P, P), or its diagonal (P,)."""

    centre: np.ndarray
    precision: np.ndarray

    @property
    def sd(self) -> np.ndarray:
        """1 / sqrt of the precision's diagonal, (P,): the standard deviations of a normal mean-field approximation."""
        return local_scales(self.precision)

    @property
    def root(self) -> np.ndarray:
        """Lower Cholesky factor of the covariance, (P, P): Laplace's approximation, made proper where it is not.

        Raises ZooError for so many coordinates that a matrix of them is too large.
        """
        if self.precision.ndim < 2:
            raise ZooError(
                f"a covariance of {self.centre.size} unconstrained values is too large (up to {MAX_HESSIAN_SIZE} are "
                "allowed): take guide='mean_field'"
            )
        sd = self.sd
        values, vectors = np.linalg.eigh(self.precision * sd * sd[:, None])
        covariance = (vectors / np.maximum(np.abs(values), MIN_CURVATURE)) @ vectors.T
        return cholesky(covariance * sd * sd[:, None], lower=True)


def negative_hessian(value_grad_hvp: ValueGradHvp, point: np.ndarray) -> np.ndarray:
    """The negative Hessian of the log density at a point, (P, P); ones (P,) for a great many coordinates."""
    if point.size > MAX_HESSIAN_SIZE:
        return np.ones(point.size)
    hessian = np.array([value_grad_hvp(point, direction)[2] for direction in np.eye(point.size)])
    return -(hessian + hessian.T) / 2


def local_scales(precision: np.ndarray) -> np.ndarray:
    """The distance in each coordinate over which the density changes, (P,): 1 / sqrt |curvature|, 1 where flat.

    >>> local_scales(np.array([4.0, 0.0, -0.25]))
    array([0.5, 1. , 2. ])
    """
    curvature = np.abs(precision if precision.ndim < 2 else np.diagonal(precision))
    return np.where(np.isfinite(curvature) & (curvature > 0), curvature, 1.0) ** -0.5


def possible_point(
    value_grad_hvp: ValueGradHvp, point: np.ndarray, prior_draws: Callable[[], np.ndarray]
) -> np.ndarray:
    """The point, or where the density is 0 there, as for bounds of the data that are latents, one where it is not.

    The first of: quantiles of draws from the prior, (draws, P), of all coordinates at once, and the draws; the point
    itself where none will do.
    """
    zeros = np.zeros_like(point)
    if np.isfinite(value_grad_hvp(point, zeros)[0]):
        return point
    draws = prior_draws()
    candidates = [*np.quantile(draws, START_QUANTILES, axis=0), *draws]
    return next((c for c in candidates if np.isfinite(value_grad_hvp(c, zeros)[0])), point)


def find_mode(value_grad_hvp: ValueGradHvp, start: np.ndarray, max_steps: int = 200) -> Mode:
    """The local mode near a point: L-BFGS (Liu and Nocedal 1989) in units of the local scales.

    Where the density is unbounded, as that of effects whose scale is zero, the centre and the spread of the nearest
    normal distribution with independent coordinates. Raises ZooError where the density is not finite at the point.
    """
    value, unit = scales_at(value_grad_hvp, start)
    result = ascend(value_grad_hvp, start, value, unit, {"maxiter": max_steps, "gtol": 1e-7, "ftol": 1e-14})
    centre = start + unit * result.x if result.fun <= 0 else start
    precision = negative_hessian(value_grad_hvp, centre)
    if is_unbounded(precision, unit, result.jac):
        return nearest_normal(value_grad_hvp, start, unit)
    return Mode(centre, precision)


def ascend(
    value_grad_hvp: ValueGradHvp, start: np.ndarray, value: float, unit: np.ndarray, limits: Mapping[str, float]
) -> OptimizeResult:
    """Ascend from a point with this log density by L-BFGS, in units (P,); ``x`` of the result has the steps taken."""
    zeros = np.zeros_like(start)

    def descend(steps: np.ndarray) -> tuple[float, np.ndarray]:
        log_density, gradient, _ = value_grad_hvp(start + unit * steps, zeros)
        if np.isfinite(log_density) and np.isfinite(gradient).all():
            return value - log_density, -gradient * unit
        return 1e10, zeros  # so high that the line search turns back

    return minimize(descend, zeros, jac=True, method="L-BFGS-B", options=dict(limits))


def find_normal(value_grad_hvp: ValueGradHvp, start: np.ndarray) -> Mode:
    """As ``find_mode``, for a density whose mode is far from most of its draws: the nearest normal distribution."""
    return nearest_normal(value_grad_hvp, start, scales_at(value_grad_hvp, start)[1])


def scales_at(value_grad_hvp: ValueGradHvp, start: np.ndarray) -> tuple[float, np.ndarray]:
    """The log density at the start of a fit, and the local scales there; raises ZooError where it is not finite."""
    value = value_grad_hvp(start, np.zeros_like(start))[0]
    if not np.isfinite(value):
        raise DensityError(
            f"the log density is {value} at the start of the fit: give start=, a dict of possible values"
        )
    return value, local_scales(negative_hessian(value_grad_hvp, start))


def nearest_normal(value_grad_hvp: ValueGradHvp, start: np.ndarray, unit: np.ndarray) -> Mode:
    """The normal distribution with independent coordinates whose ELBO is highest, from a point in units (P,) on.

    The ELBO is the mean over some fixed draws, which L-BFGS maximises (Giordano, Ingram and Broderick 2024, "Black box
    variational inference with a deterministic objective"). It is bounded where the density is not: as a scale goes to
    zero the entropy falls as fast as the density rises.
    """
    half = np.random.default_rng(0).standard_normal((NUM_FIXED_DRAWS // 2, start.size))
    half /= np.sqrt(np.square(half).mean(0))  # so that the spread of a normal density is exact
    noise, zeros = np.concatenate([half, -half]), np.zeros_like(start)

    def descend(point: np.ndarray) -> tuple[float, np.ndarray]:
        steps, log_sd = np.split(point, 2)
        sd = np.exp(log_sd)
        loss, slope = -float(log_sd.sum()), np.concatenate([zeros, -np.ones_like(start)])
        for draw in noise:
            log_density, gradient, _ = value_grad_hvp(start + unit * (steps + sd * draw), zeros)
            if not (np.isfinite(log_density) and np.isfinite(gradient).all()):
                return 1e10, np.zeros_like(point)
            loss -= log_density / len(noise)
            slope -= np.concatenate([gradient * unit, gradient * unit * sd * draw]) / len(noise)
        return loss, slope

    first = np.zeros(2 * start.size)
    result = minimize(descend, first, jac=True, method="L-BFGS-B", options={"maxiter": MAX_NORMAL_STEPS, "ftol": 1e-5})
    steps, log_sd = np.split(result.x if result.fun < 1e10 else first, 2)
    precision = (unit * np.exp(log_sd)) ** -2.0
    return Mode(start + unit * steps, precision if start.size > MAX_HESSIAN_SIZE else np.diag(precision))


def is_unbounded(precision: np.ndarray, unit: np.ndarray, slope: np.ndarray) -> bool:
    """Whether the ascent ran towards a point where the density is infinite, as that of effects whose scale is zero.

    There is no mode there: the scales shrink without end, and the density still rises.
    """
    shrinks = not np.isfinite(precision).all() or (local_scales(precision) < SHRINKING * unit).any()
    return bool(shrinks and np.abs(slope).max() > STATIONARY)
