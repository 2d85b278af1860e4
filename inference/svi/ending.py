"""What SVI says at the end: the same for both backends."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines import Answer, Task
from inference.svi.convergence import convergence
from inference.svi.options import name_of
from zoo import ZooError

ENOUGH = 100  # draws at least, by which the ELBO is estimated


def check_begun(trace: np.ndarray, num_steps: int) -> None:
    """A run that stopped at its very first step has nothing to show: raises ZooError."""
    if not len(trace) and num_steps:
        raise ZooError("the ELBO is not a number at the first step: give start=, or a smaller learning_rate")


def answer(
    task: Task,
    start: str,
    trace: np.ndarray,
    values: dict[str, np.ndarray],
    lp: np.ndarray,
    log_weight: np.ndarray,
    state: dict[str, np.ndarray],
) -> Answer:
    """The Answer from draws of the trained guide: values (draws, *shape), and (draws,) of log p and log p - log q."""
    options = task.options
    epoch = task.rows // options["batch_size"] if options["batch_size"] else 1
    said: dict[str, Any] = {
        "start": start,
        "guide": name_of(options),
        "elbo": float(log_weight.mean()),
        "elbo_se": float(log_weight.std(ddof=1) / np.sqrt(len(log_weight))),
        **convergence(trace, epoch),
    }
    if len(trace) < options["num_steps"]:
        said["stopped"] = f"the ELBO was not a number at step {len(trace) + 1}: the guide is that of the step before"
        said["converged"] = False
    if all((v == v[0]).all() for v in values.values()):  # a guide without spread is a point
        return Answer({n: v[0] for n, v in values.items()}, trace, state=state, diagnostics=said)
    kept = slice(None, options["num_draws"])
    draws = {n: v[None, kept] for n, v in values.items()}
    stats = {"lp": lp[None, kept], "log_weight": log_weight[None, kept]}
    return Answer({}, trace, draws, stats, state, said)
