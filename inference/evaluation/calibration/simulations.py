"""Runs the simulations of a calibration: one after the other or side by side, kept in a folder so that they go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.run.progress import Progress
from zoo.errors import Refusal, ZooError, describe_error

MAX_FIRST_FAILURES = 3  # if all of the first simulations fail, the run ends
SETTINGS = "calibration.json"
KILLED = "the process that ran it was killed: it may have taken more memory than there is"


@dataclass(frozen=True)
class Trial:
    """One simulation. truth: {quantity: (m,)}, m independent repeats; draws: {quantity: (draws, m)}.

    ess: the least effective sample size of any quantity among all the draws from which these were thinned, infinite
    where they are independent. warnings: shown once for all trials. trust: that of the verdict on the fit, "" of none.
    """

    truth: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray]
    ess: float = float("inf")
    warnings: tuple[str, ...] = ()
    trust: str = ""


RunTrial = Callable[[int, int, int], Trial]  # (seed of the simulation, seed of the draws, number of draws)
Outcome = Trial | str  # a trial, or why it failed


class Folder:
    """Outcomes in a folder, a file for each simulation, beside the settings of the calibration.

    Raises ZooError where the folder holds another calibration.
    """

    def __init__(self, path: str | os.PathLike[str], settings: Mapping[str, Any]):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        file, text = self.path / SETTINGS, json.dumps(dict(settings), sort_keys=True, default=str)
        if not file.exists():
            file.write_text(text)
        elif json.loads(file.read_text()) != json.loads(text):
            known = json.loads(file.read_text())
            changed = [n for n, v in json.loads(text).items() if known.get(n) != v]
            raise ZooError(f"{self.path} has another calibration ({', '.join(changed)} differs): give another folder")

    def read(self, number: int) -> Outcome | None:
        """The outcome of a simulation, None where it has not run."""
        file = self.path / f"{number}.npz"
        if not file.exists():
            return None
        with np.load(file) as arrays:
            header = json.loads(str(arrays["header"]))
            if "failure" in header:
                return header["failure"]
            parts = {part: {n: arrays[f"{part}/{n}"] for n in header["names"]} for part in ("truth", "draws")}
            return Trial(
                parts["truth"], parts["draws"], float(arrays["ess"]), tuple(header["warnings"]), header["trust"]
            )

    def write(self, number: int, outcome: Outcome) -> None:
        """Keep an outcome; the file is there as a whole or not at all."""
        arrays: dict[str, Any]
        if isinstance(outcome, str):
            arrays = {"header": json.dumps({"failure": outcome})}
        else:
            header = {"names": list(outcome.truth), "warnings": outcome.warnings, "trust": outcome.trust}
            arrays = {"header": json.dumps(header), "ess": outcome.ess}
            arrays |= {f"truth/{n}": v for n, v in outcome.truth.items()}
            arrays |= {f"draws/{n}": v for n, v in outcome.draws.items()}
        unfinished = self.path / f"{number}.{os.getpid()}.tmp.npz"
        np.savez(unfinished, **arrays)
        unfinished.replace(self.path / f"{number}.npz")
        self._mark(number).unlink(missing_ok=True)

    def begin(self, number: int) -> None:
        """Note that a simulation has begun."""
        self._mark(number).touch()

    def unfinished(self) -> list[int]:
        """The simulations that have begun and not ended."""
        return sorted(int(mark.stem) for mark in self.path.glob("*.begun"))

    def _mark(self, number: int) -> Path:
        return self.path / f"{number}.begun"


def run_one(trial: RunTrial, number: int, seeds: Sequence[int], draws: int, folder: Folder | None) -> Outcome:
    """The outcome of one simulation; any error is one, but a Refusal, which all simulations would have."""
    known = folder.read(number) if folder else None
    if known is not None:
        return known
    outcome: Outcome
    if folder:
        folder.begin(number)
    try:
        outcome = trial(seeds[0], seeds[1], draws)
        check_finite(outcome)
    except Refusal:
        raise
    except ZooError as error:
        outcome = str(error)
    except Exception as error:  # of a library, at data that the prior seldom gives: the other simulations still count
        outcome = describe_error(error)
    if folder:
        folder.write(number, outcome)
    return outcome


def check_finite(trial: Trial) -> None:
    """Raise ZooError unless the true values and the draws are finite."""
    for name, truth in trial.truth.items():
        if not (np.isfinite(truth).all() and np.isfinite(trial.draws[name]).all()):
            raise ZooError(f"{name} is not finite in the truth or in a draw")


def run_simulations(
    trial: RunTrial,
    seeds: Sequence[Sequence[int]],
    draws: int,
    *,
    workers: int | None = 1,
    folder: Folder | None = None,
    progress: bool = False,
) -> list[Outcome]:
    """The outcomes in the order of the seeds; raises ZooError where all fail, or the first ones."""
    outcomes: list[Outcome] = []
    with Progress("calibrate", len(seeds), progress) as bar:
        for outcome in outcomes_of(trial, seeds, draws, workers, folder):
            outcomes.append(outcome)
            failed = [o for o in outcomes if isinstance(o, str)]
            bar.update(len(outcomes), f"{len(failed)} failed" if failed else "")
            if len(failed) == len(outcomes) == min(MAX_FIRST_FAILURES, len(seeds)):
                raise ZooError(f"the first {len(failed)} simulations all failed: {failed[-1]}")
    return outcomes


def outcomes_of(
    trial: RunTrial, seeds: Sequence[Sequence[int]], draws: int, workers: int | None, folder: Folder | None
) -> Iterator[Outcome]:
    """The outcomes one by one: in this process, or as joblib runs them.

    Where a process is killed, the simulations that it may have run are repeated, each in a process of its own; one that
    is killed again has failed. This needs a folder.
    """
    if workers == 1:
        yield from (run_one(trial, i, pair, draws, folder) for i, pair in enumerate(seeds))
        return
    from joblib import Parallel, delayed

    def run(numbers: Sequence[int], count: int | None) -> list[Outcome]:
        pool = Parallel() if count is None else Parallel(n_jobs=count)
        return pool(delayed(run_one)(trial, i, seeds[i], draws, folder) for i in numbers)

    outcomes: list[Outcome] | None = None
    while outcomes is None:
        try:
            outcomes = run(range(len(seeds)), workers)
        except BrokenExecutor as error:
            suspects = folder.unfinished() if folder else []
            if folder is None or not suspects:
                raise ZooError(f"{KILLED}; run fewer workers, or give a checkpoint to go on from") from error
            for number in suspects:
                try:
                    run([number], 2)  # with 1 it would be this process
                except BrokenExecutor:
                    folder.write(number, KILLED)
    yield from outcomes
