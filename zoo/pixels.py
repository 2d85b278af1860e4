"""What decoders count from: the means of pixels, and how far pixels vary."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.linear import sums

LEAST = 1e-3  # chance of a pixel that was always (or never) on


def log_odds(x: np.ndarray) -> np.ndarray:
    """The log-odds of each pixel's mean, (D,), of x (N, D) in 0 to 1; 0 for a pixel that nobody saw.

    A mean below 0.001 or above 0.999 counts as that much, so that a pixel which was never on may be once.
    """
    count, total, _ = sums(x, np.zeros(x.shape[1]))
    mean = np.clip(np.divide(total, count, out=np.full(len(count), 0.5), where=count > 0), LEAST, 1 - LEAST)
    return np.log(mean / (1 - mean))


def mean_and_spread(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean of each pixel, (D,), and the root of the mean of their variances, of x (N, D), NaN where missing.

    A pixel may be constant; nobody saw one has the mean of the others. Raises ZooError where all are constant.
    """
    count, total, _ = sums(x, np.zeros(x.shape[1]))
    seen = count > 0
    mean = np.where(seen, total / np.maximum(count, 1), total.sum() / count.sum())
    square = sums(x, mean)[2]  # about the mean: no difference of large numbers
    spread = float(np.sqrt((square[seen] / count[seen]).mean()))
    if not spread > 1e-12 * float(np.abs(mean).max()):
        raise ZooError("every pixel of x is constant: there is nothing to learn; give images that differ")
    return mean, spread


def check_network(settings: Any, D: int) -> None:
    """Raises ZooError for Z, width, depth or a number of pixels D that no network here can have."""
    from zoo._networks import side_of

    for word, least in (("Z", 1), ("width", 1), ("depth", 0)):
        value = settings.get(word, least)
        if not isinstance(value, int | np.integer) or value < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {value!r}")
    if settings.get("network") == "convolutional":
        side_of(D)
