"""Skipping of broken steps: those whose gradient is not finite, or far longer than the gradients before it.

A step is skipped where its gradient is longer than a multiple of the 0.9 quantile of the last 200. The gradients of
skipped steps are among the 200: where all become longer for good, the quantile is theirs after at most 21 steps and
training goes on, while a fixed threshold, as that of Child (2021), would skip every step that follows. Steps
that are not finite leave the quantile as it is, and 20 of them in a row end training.

Functions take the array functions of a backend: ``numpy`` (for Pyro, on the host) or ``jax.numpy``.
"""

from __future__ import annotations

import math
from typing import Any

from zoo.types import BackendArray

WINDOW = 200
QUANTILE = 0.9
MIN_NORMS = 20  # gradients before any is too long
MAX_NOT_FINITE = 20  # steps in a row

Skips = dict[str, BackendArray]


def initial_state(functions: Any) -> Skips:
    """The state before the first step.

    norms: of the last gradients, infinite where there are none yet. count: of gradients. not_finite: of steps in a row
    up to the last one.
    """
    zero = functions.zeros((), int)
    return {"norms": functions.full(WINDOW, math.inf), "count": zero, "not_finite": zero}


def next_state(skips: Skips, norm: BackendArray, multiple: float, functions: Any) -> tuple[BackendArray, Skips]:
    """Whether a step is to be done, and the state after it.

    norm: of its gradient; NaN where the step is not finite for another reason. multiple: of the quantile.
    """
    norms, count = skips["norms"], skips["count"]
    is_finite = functions.isfinite(norm)
    is_new = (functions.arange(WINDOW) == count % WINDOW) & is_finite
    after = {
        "norms": functions.where(is_new, norm, norms),
        "count": count + is_finite,
        "not_finite": functions.where(is_finite, 0, skips["not_finite"] + 1),
    }
    return is_finite & (norm <= threshold(norms, count, multiple, functions)), after


def threshold(norms: BackendArray, count: BackendArray, multiple: float, functions: Any) -> BackendArray:
    """The longest gradient of a step that is done."""
    index = functions.floor(QUANTILE * (functions.minimum(count, WINDOW) - 1)).astype(int)
    quantile = functions.sort(norms)[index]
    return functions.where(count < MIN_NORMS, math.inf, multiple * quantile)


def goes_on(skips: Skips) -> BackendArray:
    """Whether training goes on after a step."""
    return skips["not_finite"] < MAX_NOT_FINITE
