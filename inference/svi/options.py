"""The options of SVI, checked: each mistake is one line that says what would work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import guides
from inference.engines import Task
from zoo import ZooError

PLENTY = 2000  # rows enough to see the shape of the density, where there are batches


def checked(task: Task) -> dict[str, Any]:
    """The options as given; raises ZooError where one cannot be used."""
    options = task.options
    for word in ("num_steps", "num_particles", "num_draws"):
        if not isinstance(options[word], int | np.integer) or options[word] < 1:
            raise ZooError(f"{word} is a whole number from 1 up; given {options[word]!r}")
    rate = options["learning_rate"]
    if not callable(rate) and not (isinstance(rate, int | float) and rate > 0):
        raise ZooError(f"learning_rate is a number above 0, or a function from the step to one; given {rate!r}")
    size = options["batch_size"]
    if size is not None and not (isinstance(size, int | np.integer) and 1 <= size <= task.rows):
        raise ZooError(f"batch_size is a whole number from 1 to the {task.rows} rows; given {size!r}")
    return options


def guide_of(options: dict[str, Any], backend: str) -> Callable[..., Any]:
    """The function ``guide(program, start)`` that the option names, or is; raises ZooError for a name nobody knows."""
    given = options["guide"]
    if callable(given):
        return given
    return guides.load(given, backend)


def name_of(options: dict[str, Any]) -> str:
    """How to call the guide in a report."""
    given = options["guide"]
    return given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)


def check_sites(program: Sequence[str], guide: Sequence[str]) -> None:
    """A guide has every latent of the program and no other; raises ZooError naming the ones at fault."""
    missing = [n for n in program if n not in guide]
    extra = [n for n in guide if n not in program]
    if missing:
        raise ZooError(
            f"the guide has no site {', '.join(missing)}; it must have one for each latent: {', '.join(program)}"
        )
    if extra:
        raise ZooError(
            f"the guide has {', '.join(extra)}, which the program does not; "
            f"its latents: {', '.join(program)} (mark help variables infer={{'is_auxiliary': True}})"
        )


def check_parameters(names: Sequence[str]) -> None:
    """Steps change parameters: raises ZooError where there are none."""
    if not names:
        raise ZooError("the guide has no parameters, so there is nothing to train: give it param statements")


def first_rows(task: Task, local: bool) -> np.ndarray | None:
    """The rows by which a guide is set up: enough of them where the data goes in batches; None for all.

    ``local`` says whether the program has latents of the rows, which a guide must see whole.
    """
    size = task.options["batch_size"]
    some = max(PLENTY, size or 0)
    if size is None or local or some >= task.rows:
        return None
    return np.random.default_rng(task.seed).choice(task.rows, some, replace=False)
