"""Gibbs sampling for any model that has a sampler: sweeps, checkpoints, and the result."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.gibbs.contract import GibbsSampler
from inference.engines.gibbs.options import (
    GibbsDiagnostics,
    GibbsOptions,
    GibbsPointDiagnostics,
    latent_shapes,
    number_of_draws,
)
from inference.engines.gibbs.record import SweepRecord
from inference.engines.starts import describe_start
from inference.run import checkpoints
from inference.run.progress import Progress
from inference.run.workers import WorkerPool, num_workers
from inference.unconstrained import check_starts
from zoo import ZooError
from zoo.data.corpus import Corpus
from zoo.hooks import find_hook

# the sweeps do not depend on them
UNRELATED_OPTIONS = ("checkpoint", "checkpoint_every", "threads", "num_samples", "num_draws")


def run(request: FitRequest[GibbsOptions]) -> EngineResult:
    """Fit by Gibbs sampling."""
    options = request.options
    num_draws = number_of_draws(request)
    hook = find_hook(request.card.package, "gibbs", home="inference.engines.gibbs")
    sampler: GibbsSampler = importlib.import_module(f"{hook}.sampler").Sampler(request)
    start = begin(sampler, request)
    num_sweeps = options.num_warmup + options.num_samples
    folder = None if options.checkpoint is None else checkpoints.make_folder(options.checkpoint)
    identity = run_identity(request) if folder else {}
    schedule = SweepSchedule(options, num_draws)
    record = resume(folder, identity, sampler, schedule) if folder else SweepRecord()
    before, seconds = record.done, 0.0
    with (
        WorkerPool(num_workers(sampler.num_jobs, options.threads)) as pool,
        Progress("gibbs", num_sweeps, request.progress) as progress,
    ):
        while record.done < num_sweeps:
            since = time.perf_counter()
            sampler.sweep(record.done, pool)
            # the first sweep may wait for the compiler
            seconds += time.perf_counter() - since if record.done > before else 0.0
            record.done += 1
            record_sweep(sampler, record, schedule)
            if folder and (record.done % options.checkpoint_every == 0 or record.done == num_sweeps):
                arrays = {**{f"state/{n}": v for n, v in sampler.state().items()}, **record.arrays()}
                checkpoints.save_checkpoint(folder, identity, arrays, {"done": record.done}, f"sweep {record.done}")
            message = f"log p {record.trace[-1].mean():.6g}" if record.trace else ""
            progress.update(record.done, f"{'warm-up' if record.done <= options.num_warmup else 'draws'} {message}")
    return make_result(sampler, record, start, options.num_chains, seconds / max(1, num_sweeps - before - 1))


def begin(sampler: GibbsSampler, request: FitRequest[GibbsOptions]) -> str:
    """Begin at the values that the user gives, if any; how the start was found."""
    given, shapes = request.options.start, latent_shapes(request)
    if given is None:
        return sampler.usual_start
    starts = check_starts(given, shapes, request.card.sites(request.keywords), request.options.num_chains)
    sampler.begin(starts)
    if all(values.keys() == shapes.keys() for values in starts):
        return "given"
    return describe_start((name for values in starts for name in values), sampler.usual_start)


class SweepSchedule:
    """What is done after each sweep, by its number, from 1.

    every: one in so many sweeps after warm-up is averaged, and one in so many recorded. draw_sweeps: those with a draw.
    """

    def __init__(self, options: GibbsOptions, num_draws: int):
        self.warmup, self.total = options.num_warmup, options.num_warmup + options.num_samples
        self.every = min(options.every, options.num_samples)
        self.draw_sweeps = {self.warmup + time for time in draw_times(num_draws, options.num_samples)}

    def is_averaged(self, sweep: int) -> bool:
        """Whether the estimate averages a sweep."""
        return sweep > self.warmup and (sweep - self.warmup) % self.every == 0

    def is_recorded(self, sweep: int) -> bool:
        """Whether a sweep is in the trace."""
        return self.is_averaged(sweep) or sweep in self.draw_sweeps or sweep % self.every == 0


def record_sweep(sampler: GibbsSampler, record: SweepRecord, schedule: SweepSchedule) -> None:
    """After a sweep: learn during warm-up, average one sweep in ``every``, and draw where a draw is due."""
    if record.done <= schedule.warmup:
        sampler.learn(record.done)
    if not schedule.is_recorded(record.done):
        return
    is_averaged = schedule.is_averaged(record.done)
    lp = sampler.record(is_averaged)
    record.trace += [lp]
    record.trace_sweeps += [record.done]
    if is_averaged:
        record.averaged += [lp]
    if record.done in schedule.draw_sweeps:
        record.draws_lp += [lp]
        record.draw_sweeps += [record.done]
        for name, values in sampler.draw(record.done).items():
            record.draws.setdefault(name, []).append(values)


def draw_times(num_draws: int, samples: int) -> set[int]:
    """The sweeps after warm-up, from 1 to ``samples``, at which to draw: evenly spaced, and the last one.

    >>> sorted(draw_times(3, 10))
    [4, 7, 10]
    """
    return {-(-draw * samples // num_draws) for draw in range(1, num_draws + 1)}


def resume(folder: Path, identity: dict[str, str], sampler: GibbsSampler, schedule: SweepSchedule) -> SweepRecord:
    """The record of the run in the folder, with the sampler in its state; a new record where there is none.

    A run that was shorter continues as if it had been as long from the start. Raises ZooError where it was longer, or
    has no draws of sweeps that have one now.
    """
    saved = checkpoints.load_checkpoint(folder, identity)
    if saved is None:
        return SweepRecord()
    arrays, values = saved
    record = SweepRecord.from_arrays(arrays, values["done"])
    if record.done > schedule.total:
        raise ZooError(
            f"{str(folder)!r} has {record.done} sweeps, more than the {schedule.total} asked for: ask for as many, or "
            "name another folder"
        )
    missing = {sweep for sweep in schedule.draw_sweeps if sweep <= record.done} - set(record.draw_sweeps)
    if missing:
        raise ZooError(
            f"{str(folder)!r} has no draw at sweep {min(missing)}: raise num_draws in proportion to num_samples, or "
            "name another folder"
        )
    record.take({sweep for sweep in record.trace_sweeps if schedule.is_recorded(sweep)}, schedule.draw_sweeps)
    sampler.restore({n[6:]: v for n, v in arrays.items() if n.startswith("state/")})
    return record


def run_identity(request: FitRequest[GibbsOptions]) -> dict[str, str]:
    """Everything that the sweeps depend on, each as a short text."""
    values = {"model": request.model.name, "seed": request.seed, **request.keywords}
    values |= {n: v for n, v in request.options.as_dict().items() if n not in UNRELATED_OPTIONS}
    values["every"] = min(request.options.every, request.options.num_samples)
    for name, data in request.table.items():
        is_corpus = isinstance(data, Corpus)
        parts = {f" {part}": getattr(data, part) for part in ("indptr", "words", "counts")} if is_corpus else {"": data}
        values |= {f"data {name}{part}": v for part, v in parts.items()}
    return {n: checkpoints.describe(v) for n, v in values.items()}


def make_result(
    sampler: GibbsSampler, record: SweepRecord, start: str, num_chains: int, seconds_per_sweep: float
) -> EngineResult:
    """The result of the sweeps recorded; seconds_per_sweep: 0 where none was timed."""
    averaged = np.stack(record.averaged, 1)  # (chain, sweep)
    best = int(averaged.mean(1).argmax())
    estimate = sampler.estimate(best)
    diagnostics = (GibbsDiagnostics if record.draws else GibbsPointDiagnostics)(
        start=start,
        sweeps=record.done,
        kept_sweeps=averaged.shape[1],
        draws_kept=len(record.draws_lp),
        method=estimate.method,
        shards=estimate.shards,
        tokens=estimate.tokens,
        tokens_per_second=float(estimate.tokens * num_chains / seconds_per_sweep) if seconds_per_sweep else None,
        lp_by_chain=[float(lp) for lp in averaged.mean(1)],
        chain=best,
    )
    return EngineResult(
        params=estimate.params,
        trace=np.stack(record.trace).mean(1),
        diagnostics=diagnostics,
        draws={n: np.stack(values, 1) for n, values in record.draws.items()},
        stats={"lp": np.stack(record.draws_lp, 1)} if record.draws_lp else {},
        state={**estimate.state, "lp": averaged},
        keywords=estimate.keywords,
    )
