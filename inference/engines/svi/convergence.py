"""Whether a noisy objective has stopped rising."""

from __future__ import annotations

import numpy as np

WINDOW = 0.1  # of the steps
NOISE = 3.0  # standard errors that chance is allowed
TOLERANCE = 0.01  # nats that nobody minds


def convergence(trace: np.ndarray, epoch: int = 1) -> dict[str, float | bool]:
    """Compare the mean of the last tenth of the trace with that of the tenth before it.

    ``rise`` is their difference in nats and ``rise_se`` its Monte Carlo standard error; ``converged`` says whether the
    rise (or fall) is within three of them, or below 0.01 nats. epoch: steps in which every row is seen once; over
    them the noise of batches cancels, so where there are enough epochs they are what is averaged.

    >>> convergence(np.arange(100.0))["converged"]
    False
    >>> convergence(np.zeros(100))["converged"]
    True
    """
    if len(trace) * WINDOW >= 2 * epoch:
        epochs = len(trace) // epoch
        trace = trace[len(trace) - epochs * epoch :].reshape(epochs, epoch).mean(1)
    window = int(len(trace) * WINDOW)
    if window < 2:
        return {"converged": False, "rise": float("nan"), "rise_se": float("nan")}
    last, before = trace[-window:], trace[-2 * window : -window]
    rise = float(last.mean() - before.mean())
    se = float(np.sqrt((last.var(ddof=1) + before.var(ddof=1)) / window))
    return {"converged": abs(rise) <= NOISE * se + TOLERANCE, "rise": rise, "rise_se": se}
