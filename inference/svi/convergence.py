"""Whether a noisy objective has stopped rising."""

from __future__ import annotations

import numpy as np

WINDOW = 0.1  # of the steps
NOISE = 3.0  # standard errors that chance is allowed
TOLERANCE = 0.01  # nats that nobody minds


def convergence(trace: np.ndarray) -> dict[str, float | bool]:
    """Compare the mean of the last tenth of the trace with that of the tenth before it.

    ``rise`` is their difference in nats and ``rise_se`` its Monte Carlo standard error; ``converged`` says whether the
    rise (or fall) is within three of them, or below 0.01 nats.

    >>> convergence(np.arange(100.0))["converged"]
    False
    >>> convergence(np.zeros(100))["converged"]
    True
    """
    window = max(1, int(len(trace) * WINDOW))
    last, before = trace[-window:], trace[-2 * window : -window]
    if len(before) < 2:
        return {"converged": False, "rise": float("nan"), "rise_se": float("nan")}
    rise = float(last.mean() - before.mean())
    se = float(np.sqrt((last.var(ddof=1) + before.var(ddof=1)) / window))
    return {"converged": bool(abs(rise) <= NOISE * se + TOLERANCE), "rise": rise, "rise_se": se}
