"""Checkpoints of training: what a trainer and its record hold, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from inference.engines import FitRequest
from inference.engines.svi.record import TrainingRecord
from inference.run import checkpoints
from inference.run.checkpoints import short

GROUPS = ("state", "best")
APART = ("checkpoint", "checkpoint_every", "num_draws")  # options that the steps do not depend on


class Resumable(Protocol):
    """What a checkpoint asks of a trainer: everything its next step depends on, by name."""

    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, arrays: dict[str, np.ndarray]) -> None: ...


@dataclass
class Checkpoints:
    """folder: where the file is. every: epochs between two. asked: what was asked for, by name."""

    folder: Path
    every: float
    asked: dict[str, str]
    kept: float = 0.0

    @classmethod
    def of(cls, request: FitRequest) -> Checkpoints | None:
        """Where the option says so; raises ZooError where the folder cannot be one."""
        given = request.options.checkpoint
        if given is None:
            return None
        return cls(checkpoints.folder_of(given), request.options.checkpoint_every, asked_of(request))

    def resume(self, trainer: Resumable) -> TrainingRecord | None:
        """Bring the trainer to where the file says it was; None where there is no file. Raises ZooError."""
        found = checkpoints.read(self.folder, self.asked)
        if found is None:
            return None
        arrays, record = found
        groups = {g: {n[len(g) + 1 :]: v for n, v in arrays.items() if n.startswith(f"{g}/")} for g in GROUPS}
        trainer.restore(groups["state"])
        self.kept = record["laps"]["epoch"][-1]
        return TrainingRecord(trace=arrays["trace"], best=groups["best"], **record)

    def keep(self, trainer: Resumable, record: TrainingRecord, last: bool) -> None:
        """Write the file if it is time to. Where that fails the old one stays, and a warning says so."""
        epoch = record.laps["epoch"][-1]
        if not last and epoch - self.kept < self.every:
            return
        self.kept = epoch
        plain = {n: getattr(record, n) for n in ("laps", "best_step", "best_held_out", "broken")}
        arrays = {f"state/{n}": v for n, v in trainer.state().items()}
        arrays |= {f"best/{n}": v for n, v in record.best.items()}
        checkpoints.write(self.folder, self.asked, {"trace": record.trace, **arrays}, plain, f"step {record.done}")


def asked_of(request: FitRequest) -> dict[str, str]:
    """Everything the steps depend on, each as a short text."""
    options = {n: v for n, v in request.options.as_dict().items() if n not in APART}
    if not (options["warm_up"] or callable(options["beta"])):  # then a step does not know how many are to come
        del options["num_steps"], options["num_epochs"]
    said = {"model": request.model.name, "backend": request.model.backend, "seed": request.seed, **options}
    said |= {f"data {n}": v for n, v in request.table.items()} | request.keywords
    return {n: short(v) for n, v in said.items()}
