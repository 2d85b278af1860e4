"""The ascent itself: repeat a step that cannot lower the objective, and see that it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoo import ZooError


class Climb(NamedTuple):
    """Where EM arrived: parameters, the objective after 0, 1, 2, ... iterations (nats), and whether it settled."""

    params: Any
    trace: np.ndarray
    converged: bool


def climb(
    step: Callable[[Any], tuple[Any, float]],
    params: Any,
    *,
    max_iter: int,
    tol: float,
    rounding: float,
    told: Callable[[int, float], None] = lambda iteration, value: None,
) -> Climb:
    """Iterate ``step(params) -> (better params, objective at params)`` until a step gains less than ``tol`` nats.

    ``rounding`` is the relative error of the objective. Raises ArithmeticError if the objective falls by more, and
    ZooError if it stops being a number.
    """
    trace: list[float] = []
    for iteration in range(max_iter + 1):
        better, value = step(params)
        value = float(value)
        if not np.isfinite(value):
            raise ZooError(f"the objective is {value} at iteration {iteration}: try another seed, fewer K or objective='map'")
        told(iteration, value)
        if trace and value < trace[-1] - rounding * max(1.0, abs(value)):
            raise ArithmeticError(f"EM fell from {trace[-1]!r} to {value!r} at iteration {iteration}; its M-step is wrong")
        trace.append(value)
        if len(trace) > 1 and trace[-1] - trace[-2] < tol:
            return Climb(params, np.array(trace), True)
        if iteration < max_iter:
            params = better
    return Climb(params, np.array(trace), False)
