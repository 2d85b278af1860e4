"""Checkpoints of training: the state of a trainer and its record, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.record import TrainingRecord
from inference.run.checkpoints import describe, load_checkpoint, make_folder, save_checkpoint
from zoo.errors import ZooError

# why settings of another length are refused: see ``depends_on_fraction``
LENGTH_MATTERS: dict[str, str] = dict.fromkeys(
    ("num_steps", "num_epochs"),
    "a schedule, as of warm_up, beta, a temperature or a penalty, depends on it: a longer run differs from the start",
)
GROUPS = ("state", "best")
OTHER_OPTIONS = ("checkpoint", "checkpoint_every", "num_draws")  # options that the steps do not depend on


class Resumable(Protocol):
    """What a checkpoint needs of a trainer: everything its next step depends on, by name."""

    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, arrays: dict[str, np.ndarray]) -> None: ...


@dataclass
class Checkpoints:
    """The checkpoints of one training.

    folder: where the file is. every: epochs between two. settings: what the steps depend on, by name. last_epoch: of
    the last checkpoint.
    """

    folder: Path
    every: float
    settings: dict[str, str]
    last_epoch: float = 0.0

    @classmethod
    def from_request(cls, request: FitRequest[SVIOptions]) -> Checkpoints | None:
        """As the options describe; None without the option. Raises ZooError where the folder cannot be one."""
        given = request.options.checkpoint
        if given is None:
            return None
        return cls(make_folder(given), request.options.checkpoint_every, describe_settings(request))

    def resume(self, trainer: Resumable, num_steps: int) -> TrainingRecord | None:
        """Restore the trainer from the file and return its record; None without a file.

        Raises ZooError where the file has more steps than the run.
        """
        checkpoint = load_checkpoint(self.folder, self.settings, LENGTH_MATTERS)
        if checkpoint is None:
            return None
        arrays, plain = checkpoint
        if len(arrays["trace"]) > num_steps:
            raise ZooError(
                f"{str(self.folder)!r} has {len(arrays['trace'])} steps, more than the {num_steps} asked for: ask for "
                "as many, or name another folder"
            )
        groups = {g: {n[len(g) + 1 :]: v for n, v in arrays.items() if n.startswith(f"{g}/")} for g in GROUPS}
        trainer.restore(groups["state"])
        self.last_epoch = plain["laps"]["epoch"][-1]
        return TrainingRecord(
            trace=arrays["trace"],
            reports=plain["laps"],
            best=groups["best"],
            best_step=plain["best_step"],
            best_held_out=plain["best_held_out"],
            is_broken=plain["broken"],
        )

    def save(self, trainer: Resumable, record: TrainingRecord, is_last: bool) -> None:
        """Write the file if it is due or ``is_last``. Where that fails the old one stays, and there is a warning."""
        epoch = record.reports["epoch"][-1]
        if not is_last and epoch - self.last_epoch < self.every:
            return
        self.last_epoch = epoch
        plain = {"laps": record.reports, "best_step": record.best_step, "best_held_out": record.best_held_out}
        plain["broken"] = record.is_broken
        arrays = {"trace": record.trace, **{f"state/{n}": v for n, v in trainer.state().items()}}
        arrays |= {f"best/{n}": v for n, v in record.best.items()}
        save_checkpoint(self.folder, self.settings, arrays, plain, f"step {record.num_steps}")


def describe_settings(request: FitRequest[SVIOptions]) -> dict[str, str]:
    """Everything the steps depend on, each as a short text."""
    options = {n: v for n, v in request.options.as_dict().items() if n not in OTHER_OPTIONS}
    if not depends_on_fraction(request.options):
        del options["num_steps"], options["num_epochs"]
    settings = {"model": request.model.name, "backend": request.model.backend, "seed": request.seed, **options}
    settings |= {f"data {n}": v for n, v in request.table.items()}
    settings |= request.keywords
    return {n: describe(v) for n, v in settings.items()}


def depends_on_fraction(options: SVIOptions) -> bool:
    """Whether a step depends on the fraction of training that is done, and so on how many steps follow."""
    objective = options.make_objective()
    temperatures = [getattr(e, "temperature", None) for _, e in objective.estimators]
    warm_up = max(options.warm_up, options.learning_rate_warm_up, objective.kl_balance)
    penalty_changes = objective.penalty is not None and objective.penalty.depends_on_fraction
    return warm_up > 0 or callable(options.beta) or any(map(callable, temperatures)) or penalty_changes
