"""The general EM step, apart from what a backend computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from inference.exact.enumeration.density import EnumeratedDensity
from zoo.errors import DensityError
from zoo.types import BackendArray, BackendParams

HIGH = 1e10  # nats per row: of a point at which the density is 0
MAX_SIMPLEX_SIZE = 20  # coordinates: with more a simplex takes too long
SIMPLEX_EVALUATIONS = 200  # for each coordinate


def ascend(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    scale: float,
    max_steps: int = 50,
) -> np.ndarray:
    """A point at which the function is no lower than at ``start``: L-BFGS (Liu and Nocedal 1989).

    Where the function is -inf beyond a bound, a simplex goes on (Nelder and Mead 1965; Gao and Han 2012), which finds
    maxima on the bound.

    The function is divided by ``scale`` (the number of rows), so that the stopping rule means the same for every data
    set.

    >>> ascend(lambda x: (-((x - 3) ** 2).sum(), -2 * (x - 3)), np.zeros(2), 1.0).round(6)
    array([3., 3.])
    """
    has_met_bound = False

    def descend(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal has_met_bound
        value, gradient = value_and_gradient(vector)
        if value == -np.inf:
            has_met_bound = True
            return HIGH, np.zeros_like(vector)  # so high that the line search turns back
        return -float(value) / scale, -np.asarray(gradient, dtype=float) / scale

    before, slope = descend(start)
    if has_met_bound or not np.isfinite(before) or not np.isfinite(slope).all():
        raise DensityError(
            "the M-step cannot begin: the log joint density or its gradient is not a number; "
            "try another seed, a start, or objective='map'"
        )
    result = minimize(
        descend, start, jac=True, method="L-BFGS-B", options={"maxiter": max_steps, "ftol": 1e-16, "gtol": 1e-10}
    )
    best = result if result.fun <= before else None
    if has_met_bound and start.size <= MAX_SIMPLEX_SIZE:  # gradients do not lead along a bound of the support
        options = {"adaptive": True, "xatol": 1e-9, "fatol": 1e-12, "maxfev": SIMPLEX_EVALUATIONS * start.size}
        point = start if best is None else best.x
        result = minimize(lambda vector: descend(vector)[0], point, method="Nelder-Mead", options=options)
        best = result if result.fun <= min(before, np.inf if best is None else best.fun) else best
    return start if best is None else best.x


class GeneralStep:
    """EM steps of one program at one data set; a backend adds the methods that raise NotImplementedError here.

    density: the backend's ``EnumeratedDensity``. weights: (N,), of the rows. objective: "ml" or "map".
    are_equal: whether every row counts once, so that rows need no log p of their own.
    """

    def __init__(self, density: EnumeratedDensity, weights: BackendArray, objective: str, are_equal: bool = False):
        self.density, self.weights, self.objective, self.are_equal = density, weights, objective, are_equal

    @property
    def row_weights(self) -> BackendArray | None:
        """The weights, None where every row counts once."""
        return None if self.are_equal else self.weights

    def step(self, params: BackendParams) -> tuple[BackendParams, BackendArray]:
        posterior, log_marginal = self.posterior(params)
        return self.maximise(params, posterior), self.total(log_marginal)

    def total(self, log_marginal: BackendArray) -> BackendArray:
        """log p of the data, from that of each row, or from the sum where every row counts once."""
        return log_marginal.sum() if self.are_equal else (log_marginal * self.weights).sum()

    def maximise(self, params: BackendParams, posterior: BackendParams) -> BackendParams:
        """The M-step, from ``params``, given the posterior of the E-step."""
        start = np.asarray(self.unconstrain(params), dtype=float)
        result = ascend(lambda vector: self.value_and_gradient(vector, posterior), start, float(self.weights.sum()))
        return self.constrain(self.array(result))

    def from_labels(self, labels: np.ndarray, K: int) -> BackendParams:
        params = self.constrain(self.preconditioner[0] * 0)
        return self.maximise(params, self.label_posterior(params, labels))

    def expected_log_joint(self, vector: BackendArray, posterior: BackendParams) -> BackendArray:
        """The expected complete-data log joint, apart from what does not depend on the parameters."""
        params = self.constrain(vector)
        return self.expectation(params, posterior) + self.log_prior(params)

    def expectation(self, params: BackendParams, posterior: BackendParams) -> BackendArray:
        """The expected sum of the factors' log-densities."""
        factors = self.density.factor_graph(params).factors
        return sum(self.multiply(posterior[n], f.log).sum() for n, f in factors.items())

    def entropy(self, params: BackendParams) -> float:
        # log p(x) is the sum of the expected complete-data log joint and the entropy of the labels
        posterior, log_marginal = self.posterior(params)
        return float(self.total(log_marginal) - self.expectation(params, posterior))

    def log_objective(self, vector: BackendArray) -> BackendArray:
        params = self.constrain(vector)
        return self.density.total(params, self.row_weights) + self.log_prior(params)

    def log_prior(self, params: BackendParams) -> BackendArray:
        return self.density.log_prior(params) if self.objective == "map" else 0.0

    def unconstrain(self, params: BackendParams) -> BackendArray:
        """The parameters as a vector, in the coordinates of the preconditioner."""
        centre, scale = self.preconditioner
        return (self.flatten(params) - centre) / scale

    def constrain(self, vector: BackendArray) -> BackendParams:
        """The inverse of ``unconstrain``."""
        centre, scale = self.preconditioner
        vector, params, start = vector * scale + centre, {}, 0
        for name, shape in self.unconstrained_shapes().items():
            params[name] = self.bijection(name)(vector[start : start + math.prod(shape)].reshape(shape))
            start += math.prod(shape)
        return params

    @property
    def num_parameters(self) -> int:
        """The number of unconstrained coordinates."""
        return sum(math.prod(shape) for shape in self.unconstrained_shapes().values())

    def unconstrained_shapes(self) -> dict[str, tuple[int, ...]]:
        return {n: tuple(self.bijection(n).inverse_shape(shape)) for n, shape in self.density.shapes.items()}

    @cached_property
    def preconditioner(self) -> tuple[BackendArray, BackendArray]:
        """Origin and unit of the coordinates, so that the prior's quartiles are near -1 and 1 in each."""
        raise NotImplementedError

    def array(self, vector: np.ndarray) -> BackendArray:
        """NumPy to an array of the backend, of the type of the weights."""
        raise NotImplementedError

    def flatten(self, params: BackendParams) -> BackendArray:
        """Unconstrained values of all parameters in one vector."""
        raise NotImplementedError

    def bijection(self, name: str) -> BackendArray:
        """From the unconstrained values of a parameter to its support."""
        raise NotImplementedError

    def posterior(self, params: BackendParams) -> tuple[BackendParams, BackendArray]:
        """``({site: posterior of the values that its factor joins}, log p by row)``."""
        raise NotImplementedError

    def value_and_gradient(self, vector: np.ndarray, posterior: BackendParams) -> tuple[float, np.ndarray]:
        """``expected_log_joint`` and its gradient."""
        raise NotImplementedError

    def label_posterior(self, params: BackendParams, labels: np.ndarray) -> BackendParams:
        """``posterior`` where the one discrete site is certain of the labels, (N,), or (N, T) of a chain."""
        raise NotImplementedError

    def multiply(self, weight: BackendArray, log: BackendArray) -> BackendArray:
        """The product, where 0 times -inf is 0."""
        raise NotImplementedError

    def hessian(self, params: BackendParams) -> np.ndarray:
        """Of ``log_objective``, with respect to the coordinates."""
        raise NotImplementedError
