"""The options of variational EM, checked: each mistake is one line that says what would work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.engines import Task
from inference.engines.em import OPTIONS as OF_EM
from inference.engines.em.latent_dirichlet import OPTIONS
from zoo import ZooError
from zoo.errors import unknown

FRESH, GOING_ON, ONLINE = 10, 3, 100  # document_steps where they are not set


def checked(task: Task) -> dict[str, Any]:
    """The options, with ``start`` as arrays of the right shapes. Raises ZooError."""
    options = dict(task.options)
    idle = [n for n, default in OF_EM.items() if n not in OPTIONS and options[n] is not default]
    if idle:
        raise ZooError(f"{', '.join(idle)} is an option of exact EM, and {task.card.name} has a bound: leave it out")
    if options["objective"] != "bound":
        raise ZooError(f"the objective of {task.card.name} is 'bound'; given {options['objective']!r}")
    wholes = {"max_iter": 1, "restarts": 1, "opening": 0, "num_passes": 1, "batch_size": 1}
    wholes |= {n: 1 for n in ("threads", "document_steps") if options[n] is not None}
    for word, least in wholes.items():
        if not isinstance(options[word], int | np.integer) or options[word] < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {options[word]!r}")
    for word in ("tol", "document_tol", "tau0"):
        if not 0 <= options[word] < np.inf:
            raise ZooError(f"{word} is a number from 0 up; given {options[word]!r}")
    if not 0 <= options["kappa"] <= 1:
        raise ZooError(f"kappa is a number from 0 to 1, and above 0.5 to converge; given {options['kappa']!r}")
    if options["learn_alpha"] not in (None, "symmetric", "asymmetric"):
        raise unknown("learn_alpha", str(options["learn_alpha"]), ("symmetric", "asymmetric"))
    if options["online"] and options["restarts"] > 1:
        raise ZooError("online has one start: fit it with several seeds, or leave restarts out")
    if options["start"] is not None:
        options["start"] = start(options["start"], task)
    options["sample_weight"] = np.broadcast_to(1.0, task.rows)
    return options


def start(given: Any, task: Task) -> dict[str, np.ndarray]:
    """``{"phi": (K, V)}``, or ``{"lambda": (K, V), ...}`` as a fit's state has it; raises ZooError."""
    N, V, K = (task.keywords[letter] for letter in "NVK")
    shapes = {"phi": (K, V), "lambda": (K, V), "gamma": (N, K), "theta": (N, K), "alpha": (K,), "eta": ()}
    if not isinstance(given, Mapping) or not given.keys() & {"phi", "lambda"}:
        raise ZooError("start is a fit's state, or {'phi': array} with a row for each topic")
    found = {}
    for name, value in given.items():
        if name not in shapes:
            raise unknown("name in start", name, shapes)
        value = np.asarray(value, float)
        if name == "gamma" and value.shape != shapes[name]:
            continue  # topics of one corpus may be the start on another
        if name != "theta" and value.shape != shapes[name]:
            raise ZooError(f"start has {name} of shape {value.shape}; {task.card.name} wants {shapes[name]} here")
        if not (np.isfinite(value).all() and (value >= 0).all() and (name == "phi" or (value > 0).all())):
            raise ZooError(f"start has {name} with numbers that are no {'probabilities' if name == 'phi' else name}")
        found[name] = value
    return found
