"""The options of NUTS, checked: each mistake is one line that says what would work."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from inference.engines import Task
from zoo import ZooError


def checked(task: Task) -> dict[str, Any]:
    """The options as given; raises ZooError where one cannot be used."""
    options = task.options
    for word, least in (("num_warmup", 0), ("num_samples", 1), ("num_chains", 1), ("max_tree_depth", 1)):
        if not isinstance(options[word], int | np.integer) or options[word] < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {options[word]!r}")
    if not 0 < options["target_accept"] < 1:
        raise ZooError(f"target_accept is a probability between 0 and 1; given {options['target_accept']!r}")
    return options


def check_density(value: float) -> None:
    """A chain can begin only where the density is a number: raises ZooError."""
    if not np.isfinite(value):
        raise ZooError(
            f"the log density is {value} where a chain begins: give start=, a dict of values that are possible"
        )


def lanes(num_chains: int) -> int:
    """How many chains can run at once: one for each core that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(num_chains, allowed)
