"""Gibbs sampling for any model that has a collapsed sampler: sweeps, checkpoints, and the result."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.gibbs.contract import CollapsedSampler
from inference.engines.gibbs.options import GibbsDiagnostics, GibbsOptions, GibbsPointDiagnostics, number_of_draws
from inference.engines.gibbs.record import SweepRecord
from inference.run import checkpoints
from inference.run.progress import Progress
from inference.run.workers import WorkerPool, num_workers
from zoo.hooks import find_hook

UNRELATED_OPTIONS = ("checkpoint", "checkpoint_every", "threads")  # the sweeps do not depend on them


def run(request: FitRequest[GibbsOptions]) -> EngineResult:
    """Fit by collapsed Gibbs sampling."""
    options = request.options
    num_draws = number_of_draws(request)
    hook = find_hook(request.card.package, "gibbs", home="inference.engines.gibbs")
    sampler: CollapsedSampler = importlib.import_module(f"{hook}.sampler").Sampler(request)
    num_sweeps = options.num_warmup + options.num_samples
    folder = None if options.checkpoint is None else checkpoints.make_folder(options.checkpoint)
    identity = run_identity(request) if folder else {}
    record = resume(folder, identity, sampler) if folder else SweepRecord()
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
            record_sweep(sampler, record, options, num_draws)
            if folder and (record.done % options.checkpoint_every == 0 or record.done == num_sweeps):
                arrays = {**{f"state/{n}": v for n, v in sampler.state().items()}, **record.arrays()}
                checkpoints.save_checkpoint(folder, identity, arrays, {"done": record.done}, f"sweep {record.done}")
            message = f"log p {record.trace[-1].mean():.6g}" if record.trace else ""
            progress.update(record.done, f"{'warm-up' if record.done <= options.num_warmup else 'draws'} {message}")
    return make_result(sampler, record, options.num_chains, seconds / max(1, num_sweeps - before - 1))


def record_sweep(sampler: CollapsedSampler, record: SweepRecord, options: GibbsOptions, num_draws: int) -> None:
    """After a sweep: learn during warm-up, average one sweep in ``every``, and draw where a draw is due."""
    warmup, samples = options.num_warmup, options.num_samples
    every, after = min(options.every, samples), record.done - warmup
    if after <= 0:
        sampler.learn(record.done)
    keep, draw = after > 0 and after % every == 0, after > 0 and after in draw_times(num_draws, samples)
    if not (keep or draw or record.done % every == 0):
        return
    lp = sampler.record(keep)
    record.trace += [lp]
    if keep:
        record.averaged += [lp]
    if draw:
        record.draws_lp += [lp]
        for name, values in sampler.draw(record.done).items():
            record.draws.setdefault(name, []).append(values)


def draw_times(num_draws: int, samples: int) -> set[int]:
    """The sweeps after warm-up, from 1 to ``samples``, at which to draw: evenly spaced, and the last one.

    >>> sorted(draw_times(3, 10))
    [4, 7, 10]
    """
    return {-(-draw * samples // num_draws) for draw in range(1, num_draws + 1)}


def resume(folder: Path, identity: dict[str, str], sampler: CollapsedSampler) -> SweepRecord:
    """The record of the run in the folder, with the sampler in its state; a new record where there is none."""
    saved = checkpoints.load_checkpoint(folder, identity)
    if saved is None:
        return SweepRecord()
    arrays, values = saved
    sampler.restore({n[6:]: v for n, v in arrays.items() if n.startswith("state/")})
    return SweepRecord.from_arrays(arrays, values["done"])


def run_identity(request: FitRequest[GibbsOptions]) -> dict[str, str]:
    """Everything that the sweeps depend on, each as a short text."""
    values = {"model": request.model.name, "seed": request.seed, **request.keywords}
    values |= {n: v for n, v in request.options.as_dict().items() if n not in UNRELATED_OPTIONS}
    for name, corpus in request.table.items():
        values |= {f"data {name} {part}": getattr(corpus, part) for part in ("indptr", "words", "counts")}
    return {n: checkpoints.describe(v) for n, v in values.items()}


def make_result(
    sampler: CollapsedSampler, record: SweepRecord, num_chains: int, seconds_per_sweep: float
) -> EngineResult:
    """The result of the sweeps recorded; seconds_per_sweep: 0 where none was timed."""
    averaged = np.stack(record.averaged, 1)  # (chain, sweep)
    best = int(averaged.mean(1).argmax())
    estimate = sampler.estimate(best)
    diagnostics = (GibbsDiagnostics if record.draws else GibbsPointDiagnostics)(
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
