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
    least: float = 1.0,
    check: Callable[[Any], None] = lambda params: None,
    told: Callable[[int, float], None] = lambda iteration, value: None,
) -> Climb:
    """Iterate ``step(params) -> (better params, objective at params)`` until a step gains less than ``tol`` nats.

    ``rounding`` is the error of the objective in nats, relative to it, or to ``least`` where it is less.
    ``check(params)`` looks at where the climb ends, and raises ZooError where that is no place to be. Raises
    ArithmeticError if the objective falls by more than rounding, and ZooError if it stops being a number.
    """
    trace: list[float] = []
    converged = False
    for iteration in range(max_iter + 1):
        better, value = step(params)
        value = float(value)
        if not np.isfinite(value):
            raise ZooError(
                f"the objective is {value} at iteration {iteration}: try another seed, fewer K or objective='map'"
            )
        told(iteration, value)
        if trace and value < trace[-1] - rounding * max(least, abs(value)):
            check(params)  # a component at its floor has a density so high that rounding is large
            raise ArithmeticError(
                f"EM fell from {trace[-1]!r} to {value!r} at iteration {iteration}; its M-step is wrong"
            )
        trace.append(value)
        converged = len(trace) > 1 and trace[-1] - trace[-2] < tol
        if converged or iteration == max_iter:
            break
        params = better
    check(params)
    return Climb(params, np.array(trace), converged)
