"""Checkpoints: a training on disk, in one file that is replaced in one step, so that it is always whole.

What is kept is all that the next step depends on. A run that goes on from it is, on the same device, bit for bit the
run that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.engines import Task
from zoo import ZooError

if TYPE_CHECKING:
    from inference.svi.training import Record, Trainer

FILE = "checkpoint.npz"
GROUPS = ("state", "best")
PART = 1 << 20  # bytes of either end of an array that tell it from others: reading all of a large one takes long
APART = ("checkpoint", "checkpoint_every", "num_draws")  # options that the steps do not depend on


@dataclass
class Checkpoints:
    """folder: where the file is. every: epochs between two. asked: what was asked for, by name."""

    folder: Path
    every: float
    asked: dict[str, str]
    kept: float = 0.0

    @classmethod
    def of(cls, task: Task) -> Checkpoints | None:
        """Where the option says so; raises ZooError where the folder cannot be one."""
        given = task.options["checkpoint"]
        if given is None:
            return None
        folder = Path(given)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ZooError(f"checkpoint={str(folder)!r} cannot be a folder: {error.strerror}") from error
        return cls(folder, task.options["checkpoint_every"], asked_of(task))

    def resume(self, trainer: Trainer) -> Record | None:
        """Bring the trainer to where the file says it was; None where there is no file. Raises ZooError."""
        from inference.svi.training import Record

        path = self.folder / FILE
        if not path.exists():
            return None
        try:
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = dict(file)
            plain = json.loads(str(arrays.pop("plain")))
            groups = {g: {n[len(g) + 1 :]: v for n, v in arrays.items() if n.startswith(f"{g}/")} for g in GROUPS}
            asked, record = plain["asked"], plain["record"]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            why = f"{str(path)!r} is damaged, or no checkpoint"
            raise ZooError(f"{why}: name another folder, or move it away to begin anew") from error
        other = [n for n in self.asked if asked.get(n) != self.asked[n]]
        if other:
            change = f"its {other[0]} was {asked.get(other[0], 'nothing')}, and is {self.asked[other[0]]} here"
            raise ZooError(f"{str(path)!r} is of another run: {change}; ask for the same, or name another folder")
        trainer.restore(groups["state"])
        self.kept = record["laps"]["epoch"][-1]
        return Record(trace=arrays["trace"], best=groups["best"], **record)

    def keep(self, trainer: Trainer, record: Record, last: bool) -> None:
        """Write the file if it is time to. Where that fails the old one stays, and a warning says so."""
        epoch = record.laps["epoch"][-1]
        if not last and epoch - self.kept < self.every:
            return
        self.kept = epoch
        fields = ("laps", "best_step", "best_held_out", "broken")
        plain = {"asked": self.asked, "record": {n: getattr(record, n) for n in fields}}
        arrays = {f"state/{n}": v for n, v in trainer.state().items()}
        arrays |= {f"best/{n}": v for n, v in record.best.items()}
        draft = self.folder / f".{FILE}.part"
        try:
            with open(draft, "wb") as file:
                np.savez(file, trace=record.trace, plain=np.array(json.dumps(plain)), **arrays)  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.folder / FILE)
        except OSError as error:
            draft.unlink(missing_ok=True)
            what = f"no checkpoint was kept at step {record.done} in {str(self.folder)!r}"
            warnings.warn(f"{what} ({error.strerror}): an earlier one is as it was, and training goes on", stacklevel=2)


def asked_of(task: Task) -> dict[str, str]:
    """Everything the steps depend on, each as a short text."""
    options = {n: v for n, v in task.options.items() if n not in APART}
    if not (options["warm_up"] or callable(options["beta"])):  # then a step does not know how many are to come
        del options["num_steps"], options["num_epochs"]
    said = {"model": task.model.name, "backend": task.model.backend, "seed": task.seed, **options}
    said |= {f"data {n}": v for n, v in task.table.items()} | task.keywords
    return {n: short(v) for n, v in said.items()}


def short(value: Any) -> str:
    """A text that tells a value from others: of arrays their shape and a digest.

    >>> short(0.5), short(None), short(np.zeros(3))[:22]
    ('0.5', 'None', 'array (3,) of 9d908ecf')
    """
    if not hasattr(value, "shape"):
        return getattr(value, "__qualname__", repr(value)) if callable(value) else repr(value)
    raw = np.asarray(getattr(value, "raw", value))  # intensities as they are kept
    digest, N = hashlib.sha256(), max(1, len(raw) if raw.ndim else 1)
    rows = max(1, PART * N // max(raw.nbytes, 1))
    ends = (raw,) if rows >= N or not raw.ndim else (raw[:rows], raw[-rows:])
    for end in ends:
        digest.update(np.ascontiguousarray(end).tobytes())
    return f"array {raw.shape} of {digest.hexdigest()[:8]}"
