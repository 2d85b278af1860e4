"""The options of SVI, checked: each mistake is one line that says what would work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import guides
import zoo
from inference.engines import Task
from inference.objectives import Objective
from zoo import ZooError
from zoo.errors import unknown

BATCH = 128  # rows that networks are trained on at a time
ON_DEVICE = 1 << 28  # bytes of data that are carried over whole
WHOLE = {"num_steps": 1, "num_particles": 1, "num_draws": 1}
NUMBERS = {  # option: what it is, and whether a value is that
    "warm_up": ("from 0 to 1, a fraction of training", lambda v: 0 <= v <= 1),
    "clip_norm": ("above 0", lambda v: v > 0),
    "weight_average": ("between 0 and 1, such as 0.999", lambda v: 0 < v < 1),
    "held_out": ("between 0 and 1, a fraction of the rows", lambda v: 0 < v < 1),
    "patience": ("of epochs above 0", lambda v: v > 0),
    "checkpoint_every": ("of epochs above 0", lambda v: v > 0),
    "num_epochs": ("of whole epochs from 1 up", lambda v: v >= 1 and v == int(v)),
}
ABSENT = ("clip_norm", "weight_average", "held_out", "patience", "num_epochs")  # may be None


def check(task: Task) -> None:
    """Raise ZooError where an option cannot be used."""
    options = task.options
    for word, least in WHOLE.items():
        if not isinstance(options[word], int | np.integer) or options[word] < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {options[word]!r}")
    for word, (what, allowed) in NUMBERS.items():
        value = options[word]
        if value is None and word in ABSENT:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not allowed(value):
            raise ZooError(f"{word} is a number {what}; given {value!r}")
    rate, beta, size = options["learning_rate"], options["beta"], options["batch_size"]
    if not callable(rate) and not (isinstance(rate, int | float) and rate > 0):
        raise ZooError(f"learning_rate is a number above 0, or a function from the step to one; given {rate!r}")
    if not callable(beta) and not (isinstance(beta, int | float) and beta >= 0):
        raise ZooError(f"beta is a number from 0 up, or a function of the fraction of training done; given {beta!r}")
    if size is not None and not (isinstance(size, int | np.integer) and 1 <= size <= task.rows):
        raise ZooError(f"batch_size is a whole number from 1 to the {task.rows} rows; given {size!r}")
    if options["minibatches"] not in ("auto", "host", "device"):
        raise unknown("kind of minibatches", options["minibatches"], ("auto", "host", "device"))
    if options["patience"] is not None and options["held_out"] is None:
        raise ZooError("patience needs rows that are not trained on: give held_out, such as held_out=0.1")
    guide, card = options["guide"], task.card
    if isinstance(guide, str) and guide != card.name and (card.networks or card.learned):
        raise ZooError(
            f"guide={guide!r} cannot be trained beside what {card.name} learns: leave guide out, or write one"
        )
    if isinstance(guide, str) and guide != card.name and guide in zoo.names():
        raise ZooError(f"guide={guide!r} reads the rows of {guide} and not those of {card.name}: name another")
    objective_of(options)


def objective_of(options: dict[str, Any]) -> Objective:
    """The objective that is named, with its options, or is given. Raises ZooError where they do not go together."""
    given = options["objective"]
    if isinstance(given, Objective):
        return given
    return Objective(given, options["num_particles"], options["gradient"], options["kl"])


def guide_of(options: dict[str, Any], backend: str) -> Callable[..., Any]:
    """The function ``guide(program, start)`` that the option names, or is; raises ZooError for a name nobody knows."""
    given = options["guide"]
    if callable(given):
        return given
    return guides.load(given, backend)


def is_amortised(task: Task) -> bool:
    """Whether the guide reads rows, and so can be given some of them: the model's own does, and so must one of the
    user's where rows have latents and come in batches."""
    given = task.options["guide"]
    local = [n for n in task.card.local(task.keywords) if n not in task.card.enumerated]
    return given == task.card.name or bool(callable(given) and task.options["batch_size"] and local)


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
        raise ZooError("neither the guide nor the program has parameters to train: give the guide param statements")
