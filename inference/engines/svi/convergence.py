"""Whether a noisy objective has stopped rising."""

from __future__ import annotations

import numpy as np

WINDOW = 0.1  # of the steps
STANDARD_ERRORS = 3.0  # differences up to this many count as noise
TOLERANCE = 0.01  # nats; smaller differences do not count


def convergence(trace: np.ndarray, epoch: int = 1) -> dict[str, float | bool]:
    """Compare the mean of the last tenth of the trace with that of the tenth before it.

    Parameters
    ----------
    trace : ndarray
        The objective of each step in nats, (steps,).
    epoch : int, default 1
        Steps in which every row is used once. The noise of batches cancels over an epoch, so where there are enough
        epochs their means are compared.

    Returns
    -------
    dict
        ``rise``, the difference in nats; ``rise_se``, its Monte Carlo standard error; and ``converged``, whether the
        rise (or fall) is within three of them, or below 0.01 nats.

    Examples
    --------
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
    return {"converged": abs(rise) <= STANDARD_ERRORS * se + TOLERANCE, "rise": rise, "rise_se": se}
