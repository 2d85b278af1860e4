"""The options of EM, checked: each mistake is one line that says what would work."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines import Task
from inference.unconstrained import check_start
from zoo import ZooError


def checked(task: Task) -> dict[str, Any]:
    """The options with ``sample_weight`` as an array of N floats. Raises ZooError."""
    options = dict(task.options)
    N = task.rows
    if options["objective"] not in ("ml", "map"):
        raise ZooError(f"objective is 'ml' or 'map'; given {options['objective']!r}")
    if options["objective"] == "ml" and task.card.hyper:
        raise ZooError(
            f"the likelihood does not depend on {', '.join(task.card.hyper)}: {task.card.name} wants objective='map'"
        )
    for word, least in (("max_iter", 1), ("restarts", 1)):
        if not isinstance(options[word], int | np.integer) or options[word] < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {options[word]!r}")
    if not options["tol"] >= 0:
        raise ZooError(f"tol is a gain in nats per row, 0 or more; given {options['tol']!r}")
    weight = options["sample_weight"]
    if weight is None:
        options["sample_weight"] = np.broadcast_to(1.0, N)  # takes no memory: rows on disk may be more than it holds
    else:
        options["sample_weight"] = weight = np.asarray(weight, dtype=float)
        if weight.shape != (N,) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
            raise ZooError(f"sample_weight holds one weight for each of the {N} rows, none below 0, not all 0")
    if options["start"] is not None:
        sites = task.card.parameters(task.keywords)
        options["start"] = check_start(options["start"], {n: s.shape(task.keywords) for n, s in sites.items()})
    return options
