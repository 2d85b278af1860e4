"""The general M-step, but for what a language must do itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.engines.em.ascent import ascend


class Ascent:
    """Steps on one program; a language adds the methods that raise NotImplementedError here."""

    def __init__(self, sum_: Any, weights: Any, objective: str):
        self.sum, self.weights, self.objective = sum_, weights, objective

    def step(self, params: Any) -> tuple[Any, Any]:
        joint, by_row = self.posterior(params)
        return self.maximise(params, joint), (by_row * self.weights).sum()

    def maximise(self, params: Any, joint: Any) -> Any:
        free = np.asarray(self.free(params), dtype=float)
        return self.constrain(self.array(ascend(lambda at: self.slope(at, joint), free, float(self.weights.sum()))))

    def from_labels(self, labels: np.ndarray, K: int) -> Any:
        params = self.constrain(self.frame[0] * 0)
        chosen = self.chosen(labels, K)
        # a label's weight is that of every factor it chooses a value of
        return self.maximise(params, {n: chosen + f.log * 0 for n, f in self.sum.factors(params)[0].items()})

    def expected(self, free: Any, joint: Any) -> Any:
        """The expected complete-data log joint, less what does not depend on the parameters."""
        params = self.constrain(free)
        return self.complete(self.sum.factors(params)[0], joint) + self.log_prior(params)

    def complete(self, factors: Any, joint: Any) -> Any:
        return sum(self.times(joint[n], f.log).sum() for n, f in factors.items())

    def entropy(self, params: Any) -> float:
        # log p(x) is the expected complete-data log joint and the entropy of the labels
        joint, by_row = self.posterior(params)
        return float((by_row * self.weights).sum() - self.complete(self.sum.factors(params)[0], joint))

    def log_objective(self, free: Any) -> Any:
        params = self.constrain(free)
        return self.sum.total(*self.sum.factors(params), self.weights)[0] + self.log_prior(params)

    def log_prior(self, params: Any) -> Any:
        return self.sum.log_prior(params) if self.objective == "map" else 0.0

    def free(self, params: Any) -> Any:
        middle, width = self.frame
        return (self.flat(params) - middle) / width

    def constrain(self, free: Any) -> Any:
        middle, width = self.frame
        vector, params, at = free * width + middle, {}, 0
        for name, shape in self.shapes().items():
            params[name] = self.bijection(name)(vector[at : at + math.prod(shape)].reshape(shape))
            at += math.prod(shape)
        return params

    @property
    def parameters(self) -> int:
        """How many free numbers the parameters have."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {n: tuple(self.bijection(n).inverse_shape(shape)) for n, shape in self.sum.shapes.items()}

    @property
    def frame(self) -> tuple[Any, Any]:
        """Origin and unit of the free numbers: half the prior's quartiles are -1 and 1, for steps want like sizes."""
        raise NotImplementedError

    def array(self, vector: np.ndarray) -> Any:
        raise NotImplementedError

    def flat(self, params: Any) -> Any:
        """Unconstrained values of all parameters, end to end."""
        raise NotImplementedError

    def bijection(self, name: str) -> Any:
        raise NotImplementedError

    def posterior(self, params: Any) -> tuple[Any, Any]:
        """``({site: posterior of the values its factor joins}, log p by row)``."""
        raise NotImplementedError

    def slope(self, at: np.ndarray, joint: Any) -> tuple[float, np.ndarray]:
        """``expected`` and its gradient."""
        raise NotImplementedError

    def chosen(self, labels: np.ndarray, K: int) -> Any:
        """The posterior of the one discrete site if its rows were so labelled, rows counted by their weights."""
        raise NotImplementedError

    def times(self, weight: Any, log: Any) -> Any:
        """The product, in which what has no weight may be impossible: 0 times -inf is 0."""
        raise NotImplementedError

    def hessian(self, params: Any) -> np.ndarray:
        """Of ``log_objective``, with respect to the free numbers."""
        raise NotImplementedError
