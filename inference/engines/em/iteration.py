"""The iterations of EM: one run, its continuation from a boundary, and the best of several starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from inference.engines import FitRequest
from inference.engines.em.algorithm import EMAlgorithm, IterationOptions
from inference.engines.options import EngineOptions
from inference.run.progress import Progress
from zoo import ZooError
from zoo.errors import DensityError

State = TypeVar("State")


class EMRun(NamedTuple, Generic[State]):
    """One run of EM: the last state, the objective in nats after 0, 1, 2, ... iterations, and whether it converged."""

    state: State
    trace: np.ndarray
    converged: bool


class Restarts(NamedTuple, Generic[State]):
    """Several runs of EM: the best, the last objective of each, and how many were set aside as collapsed."""

    best: EMRun[State]
    objectives: list[float]
    num_collapsed: int


def _ignore(*arguments: object) -> None:
    pass


def _no_rounding(*arguments: object) -> float:
    return 0.0


def run_em(
    step: Callable[[State], tuple[State, float]],
    state: State,
    *,
    max_iter: int,
    tol: float,
    rounding: Callable[[State, float], float] = _no_rounding,
    check: Callable[[State], None] = _ignore,
    callback: Callable[[int, float], None] = _ignore,
) -> EMRun[State]:
    """Iterate ``step(state) -> (next state, objective at state)`` until a step gains less than ``tol`` nats.

    Parameters
    ----------
    step, state
        The iteration, and where it begins.
    max_iter : int
        Number of iterations at most.
    tol : float
        In nats.
    rounding : callable
        A state and the objective there to a bound of its rounding error in nats; called where the objective falls.
    check : callable
        Called with the last state; raises ZooError where the objective has no maximum there.
    callback : callable
        Called with the number of the iteration and the objective.

    Raises
    ------
    ArithmeticError
        If the objective falls by more than its rounding error.
    ZooError
        If the objective is not finite, or by ``check``.

    Examples
    --------
    >>> halve = lambda x: (x / 2, -x * x)
    >>> run_em(halve, 1.0, max_iter=2, tol=0.0)
    EMRun(state=0.25, trace=array([-1.    , -0.25  , -0.0625]), converged=False)
    """
    trace: list[float] = []
    converged, before = False, state
    for iteration in range(max_iter + 1):
        next_state, value = step(state)
        value = float(value)
        if not np.isfinite(value):
            raise DensityError(
                f"the objective is {value} at iteration {iteration}: try another seed, fewer K or objective='map'"
            )
        callback(iteration, value)
        if trace and value < trace[-1] - max(rounding(before, trace[-1]), rounding(state, value)):
            for collapsed in (before, state):
                check(collapsed)  # a component at its floor has a density so high that rounding is large
            raise ArithmeticError(
                f"EM fell from {trace[-1]!r} to {value!r} at iteration {iteration}; its M-step is wrong"
            )
        trace.append(value)
        converged = len(trace) > 1 and trace[-1] - trace[-2] < tol
        if converged or iteration == max_iter:
            break
        before, state = state, next_state
    check(state)
    return EMRun(state, np.array(trace), converged)


def run_restarts(
    request: FitRequest[EngineOptions],
    algorithm: EMAlgorithm[State, object],
    options: IterationOptions,
    total_weight: float,
) -> Restarts[State]:
    """Run EM from several starts.

    Parameters
    ----------
    request : FitRequest
        For the seed, of which each start has another, and the progress bar.
    algorithm : EMAlgorithm
    options : IterationOptions
    total_weight : float
        The number of rows, counted by their weights: ``options.tol`` is per row.

    Raises
    ------
    ZooError
        The error of the first start, where every one collapsed.
    """
    runs: list[EMRun[State]] = []
    errors: list[ZooError] = []
    with Progress("em", options.restarts * options.max_iter, request.progress) as progress:
        for restart in range(options.restarts):

            def callback(iteration: int, value: float, done: int = restart * options.max_iter) -> None:
                progress.update(done + iteration, f"{value / total_weight:.6f} nats per row")

            try:
                state = algorithm.initialize(request.seed * options.restarts + restart)
                runs.append(run_stages(algorithm, state, options, total_weight, callback))
            except ZooError as error:
                errors.append(error)
    if not runs:
        raise errors[0]
    return Restarts(max(runs, key=lambda r: r.trace[-1]), [float(r.trace[-1]) for r in runs], len(errors))


def run_stages(
    algorithm: EMAlgorithm[State, object],
    state: State,
    options: IterationOptions,
    total_weight: float,
    callback: Callable[[int, float], None],
) -> EMRun[State]:
    """Run EM for ``patience`` iterations, then from where ``escape_boundary`` leads, if anywhere."""
    run = partial(
        run_em,
        algorithm.step,
        tol=options.tol * total_weight,
        rounding=algorithm.rounding,
        check=algorithm.check,
    )
    patience = min(algorithm.patience or options.max_iter, options.max_iter)
    first = run(state, max_iter=patience, callback=callback)
    if patience == options.max_iter:
        return first
    escaped = algorithm.escape_boundary(first.state)
    if escaped is None and first.converged:
        return first
    # where the second stage begins at the same state, its objective is not counted twice
    done = len(first.trace) if escaped is not None else len(first.trace) - 1
    second = run(
        first.state if escaped is None else escaped,
        max_iter=options.max_iter - done,
        callback=lambda iteration, value: callback(done + iteration, value),
    )
    return second._replace(trace=np.concatenate([first.trace[:done], second.trace]))
