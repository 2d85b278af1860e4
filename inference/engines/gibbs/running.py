"""Gibbs sampling from door to answer, for any model that has a sampler."""

from __future__ import annotations

import importlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from inference.engines import Answer, Task
from inference.engines.gibbs.options import checked
from inference.engines.nuts.options import lanes
from inference.run import checkpoints
from inference.run.checkpoints import short
from inference.run.progress import Progress

APART = ("checkpoint", "checkpoint_every", "threads")  # options that the sweeps do not depend on


class Record:
    """What was seen so far. done: sweeps. trace and kept: log p of each chain, in all recorded sweeps and the kept."""

    def __init__(self) -> None:
        self.done = 0
        self.trace: list[np.ndarray] = []
        self.kept: list[np.ndarray] = []
        self.lp: list[np.ndarray] = []  # beside each draw
        self.draws: dict[str, list[np.ndarray]] = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as arrays, sweeps or draws first."""
        lists = {"trace": self.trace, "kept": self.kept, "lp": self.lp}
        lists |= {f"draws/{n}": values for n, values in self.draws.items()}
        return {n: np.stack(values) for n, values in lists.items() if values}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], done: int) -> Record:
        """The record that had these arrays."""
        record = cls()
        record.done = done
        record.trace, record.kept, record.lp = (list(arrays.get(n, ())) for n in ("trace", "kept", "lp"))
        record.draws = {n[6:]: list(v) for n, v in arrays.items() if n.startswith("draws/")}
        return record


def run(task: Task) -> Answer:
    options = checked(task)
    sampler = importlib.import_module(f"inference.engines.gibbs.{task.card.name}.sampler").Sampler(task)
    total = options["num_warmup"] + options["num_samples"]
    folder = None if options["checkpoint"] is None else checkpoints.folder_of(options["checkpoint"])
    asked = asked_of(task) if folder else {}
    record = resumed(folder, asked, sampler) if folder else Record()
    threads = min(options["threads"] or lanes(sampler.jobs), sampler.jobs)
    begun, seconds = record.done, 0.0
    with (
        ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool,
        Progress("gibbs", total, task.progress) as progress,
    ):
        while record.done < total:
            since = time.perf_counter()
            sampler.sweep(record.done, pool)
            seconds += time.perf_counter() - since if record.done > begun else 0.0  # the first may wait for a compiler
            record.done += 1
            look(sampler, record, options)
            if folder and (record.done % options["checkpoint_every"] == 0 or record.done == total):
                arrays = {**{f"state/{n}": v for n, v in sampler.state().items()}, **record.arrays()}
                checkpoints.write(folder, asked, arrays, {"done": record.done}, f"sweep {record.done}")
            said = f"log p {record.trace[-1].mean():.6g}" if record.trace else ""
            progress.at(record.done, f"{'warm-up' if record.done <= options['num_warmup'] else 'draws'} {said}")
    return answer(sampler, record, options, seconds / max(1, total - begun - 1))


def look(sampler: Any, record: Record, options: dict[str, Any]) -> None:
    """After a sweep: learn during warm-up, keep one in ``every`` and draw at the times of the draws."""
    warmup, samples = options["num_warmup"], options["num_samples"]
    every, after = min(options["every"], samples), record.done - warmup
    if after <= 0:
        sampler.learn(record.done)
    keep, draw = after > 0 and after % every == 0, after > 0 and after in times_of(options["num_draws"], samples)
    if keep or draw or record.done % every == 0:
        lp = sampler.record(keep)
        record.trace += [lp]
        record.kept += [lp] if keep else []
    if draw:
        record.lp += [lp]
        for name, values in sampler.draw(record.done).items():
            record.draws.setdefault(name, []).append(values)


def times_of(num_draws: int, samples: int) -> set[int]:
    """The sweeps after warm-up, from 1 to ``samples``, at which to draw: evenly, and the last one.

    >>> sorted(times_of(3, 10))
    [4, 7, 10]
    """
    return {-(-draw * samples // num_draws) for draw in range(1, num_draws + 1)}


def resumed(folder: Any, asked: dict[str, str], sampler: Any) -> Record:
    """The record of the run in the folder, the sampler brought to where it was; a new one where there is none."""
    found = checkpoints.read(folder, asked)
    if found is None:
        return Record()
    arrays, plain = found
    sampler.restore({n[6:]: v for n, v in arrays.items() if n.startswith("state/")})
    return Record.of(arrays, plain["done"])


def asked_of(task: Task) -> dict[str, str]:
    """Everything the sweeps depend on, each as a short text."""
    said = {"model": task.model.name, "seed": task.seed, **task.keywords}
    said |= {n: v for n, v in task.options.items() if n not in APART}
    for name, corpus in task.table.items():
        said |= {f"data {name} {part}": getattr(corpus, part) for part in ("indptr", "words", "counts")}
    return {n: short(v) for n, v in said.items()}


def answer(sampler: Any, record: Record, options: dict[str, Any], pace: float) -> Answer:
    kept = np.stack(record.kept, 1)  # (chain, sweep)
    best = int(kept.mean(1).argmax())
    found = sampler.answer(best)
    said = {"sweeps": record.done, "kept_sweeps": kept.shape[1], "draws_kept": len(record.lp), **found.diagnostics}
    if pace:
        said["tokens_per_second"] = float(said["tokens"] * options["num_chains"] / pace)
    said |= {"lp_by_chain": [float(lp) for lp in kept.mean(1)], "chain": best}
    return replace(
        found,
        trace=np.stack(record.trace).mean(1),
        draws={n: np.stack(values, 1) for n, values in record.draws.items()},
        stats={"lp": np.stack(record.lp, 1)} if record.lp else {},
        state={**found.state, "lp": kept},
        diagnostics=said,
    )
