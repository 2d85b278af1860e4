"""Gibbs sampling from door to answer, for any model that has a sampler."""

from __future__ import annotations

import importlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.gibbs.options import GibbsDiagnostics, GibbsOptions, GibbsPointDiagnostics, number_of_draws
from inference.engines.gibbs.record import SweepRecord
from inference.run import checkpoints
from inference.run.checkpoints import short
from inference.run.progress import Progress
from inference.run.workers import num_workers
from zoo.hooks import find_hook

APART = ("checkpoint", "checkpoint_every", "threads")  # options that the sweeps do not depend on


def run(request: FitRequest[GibbsOptions]) -> EngineResult:
    options = request.options
    num_draws = number_of_draws(request)
    sampler = importlib.import_module(f"{find_hook(request.card.package, 'gibbs', home=__package__)}.sampler").Sampler(
        request
    )
    total = options.num_warmup + options.num_samples
    folder = None if options.checkpoint is None else checkpoints.folder_of(options.checkpoint)
    asked = asked_of(request) if folder else {}
    record = resumed(folder, asked, sampler) if folder else SweepRecord()
    threads = min(options.threads or num_workers(sampler.jobs), sampler.jobs)
    begun, seconds = record.done, 0.0
    with (
        ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool,
        Progress("gibbs", total, request.progress) as progress,
    ):
        while record.done < total:
            since = time.perf_counter()
            sampler.sweep(record.done, pool)
            seconds += time.perf_counter() - since if record.done > begun else 0.0  # the first may wait for a compiler
            record.done += 1
            look(sampler, record, options, num_draws)
            if folder and (record.done % options.checkpoint_every == 0 or record.done == total):
                arrays = {**{f"state/{n}": v for n, v in sampler.state().items()}, **record.arrays()}
                checkpoints.write(folder, asked, arrays, {"done": record.done}, f"sweep {record.done}")
            said = f"log p {record.trace[-1].mean():.6g}" if record.trace else ""
            progress.at(record.done, f"{'warm-up' if record.done <= options.num_warmup else 'draws'} {said}")
    return finalize(sampler, record, options.num_chains, seconds / max(1, total - begun - 1))


def look(sampler: Any, record: SweepRecord, options: GibbsOptions, num_draws: int) -> None:
    """After a sweep: learn during warm-up, keep one in ``every`` and draw at the times of the draws."""
    warmup, samples = options.num_warmup, options.num_samples
    every, after = min(options.every, samples), record.done - warmup
    if after <= 0:
        sampler.learn(record.done)
    keep, draw = after > 0 and after % every == 0, after > 0 and after in times_of(num_draws, samples)
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


def resumed(folder: Any, asked: dict[str, str], sampler: Any) -> SweepRecord:
    """The record of the run in the folder, the sampler brought to where it was; a new one where there is none."""
    found = checkpoints.read(folder, asked)
    if found is None:
        return SweepRecord()
    arrays, plain = found
    sampler.restore({n[6:]: v for n, v in arrays.items() if n.startswith("state/")})
    return SweepRecord.of(arrays, plain["done"])


def asked_of(request: FitRequest[GibbsOptions]) -> dict[str, str]:
    """Everything the sweeps depend on, each as a short text."""
    said = {"model": request.model.name, "seed": request.seed, **request.keywords}
    said |= {n: v for n, v in request.options.as_dict().items() if n not in APART}
    for name, corpus in request.table.items():
        said |= {f"data {name} {part}": getattr(corpus, part) for part in ("indptr", "words", "counts")}
    return {n: short(v) for n, v in said.items()}


def finalize(sampler: Any, record: SweepRecord, num_chains: int, pace: float) -> EngineResult:
    """The result of the sweeps recorded; pace: seconds a sweep, 0 where none was timed."""
    kept = np.stack(record.kept, 1)  # (chain, sweep)
    best = int(kept.mean(1).argmax())
    estimate = sampler.estimate(best)
    diagnostics = (GibbsDiagnostics if record.draws else GibbsPointDiagnostics)(
        sweeps=record.done,
        kept_sweeps=kept.shape[1],
        draws_kept=len(record.lp),
        tokens_per_second=float(estimate.about["tokens"] * num_chains / pace) if pace else None,
        lp_by_chain=[float(lp) for lp in kept.mean(1)],
        chain=best,
        **estimate.about,
    )
    return EngineResult(
        params=estimate.params,
        trace=np.stack(record.trace).mean(1),
        diagnostics=diagnostics,
        draws={n: np.stack(values, 1) for n, values in record.draws.items()},
        stats={"lp": np.stack(record.lp, 1)} if record.lp else {},
        state={**estimate.state, "lp": kept},
        keywords=estimate.keywords,
    )
