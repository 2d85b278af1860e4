"""The results of SVI, the same for both backends."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.svi.convergence import convergence
from inference.engines.svi.diagnostics import AmortisedDiagnostics, GuideDiagnostics, PointDiagnostics
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.plan import Plan
from inference.engines.svi.record import TrainingRecord
from inference.engines.svi.rows import Rows
from inference.engines.svi.training import Trainer

ENOUGH = 100  # draws at least, by which the ELBO is estimated
LOOKED = 10_000  # rows at most, by which that of an amortised guide is


def training_diagnostics(
    request: FitRequest[SVIOptions], plan: Plan, rows: Rows, record: TrainingRecord
) -> dict[str, Any]:
    """The fields of ``SVIDiagnostics``, but for the ELBO."""
    trend = convergence(record.trace[:, 0], plan.epoch)
    converged, stopped, early = bool(trend["converged"]), None, record.done < plan.steps
    if record.broken:
        step = record.done + 1
        converged = False
        stopped = f"the ELBO was not a number at step {step}: the guide is that of the step before"
    elif early:  # nothing was gained
        converged = True
        if record.best:
            stopped = f"the rows held out gained nothing after step {record.best_step}, which is the fit"
    kept = bool(record.best) and not record.broken
    return {
        "guide": request.options.guide_name,
        "epochs": {n: np.array(v) for n, v in record.laps.items()},
        "converged": converged,
        "rise": trend["rise"],
        "rise_se": trend["rise_se"],
        "beta": plan.warn(record.done - 1),
        "batch_size": rows.batch or None,
        "rows_held_out": rows.held if len(rows.held) else None,
        "broken": record.broken,
        "stopped": stopped,
        "best_step": record.best_step if kept else None,
        "held_out_elbo_nats_per_row": record.best_held_out if kept else None,
    }


def guide_result(
    request: FitRequest[SVIOptions],
    training: dict[str, Any],
    record: TrainingRecord,
    trainer: Trainer,
    values: dict[str, np.ndarray],
    lp: np.ndarray,
    log_weight: np.ndarray,
    frame: dict[str, np.ndarray],
) -> EngineResult:
    """The result from draws of the trained guide: values (draws, *shape), log p and log p - log q, (draws,) each."""
    weights, trace = trainer.weights(), record.trace[:, 0]
    learned, state = {n: weights[n] for n in trainer.learned}, {**weights, **frame}
    training |= {
        "elbo": float(log_weight.mean()),
        "elbo_se": float(log_weight.std(ddof=1) / np.sqrt(len(log_weight))),
    }
    if all((v == v[0]).all() for v in values.values()):  # a guide without spread is a point
        point = {n: v[0] for n, v in values.items()}
        return EngineResult({**point, **learned}, trace, PointDiagnostics(**training), state=state)
    kept = slice(None, request.options.num_draws)
    draws = {n: v[None, kept] for n, v in values.items()}
    stats = {"lp": lp[None, kept], "log_weight": log_weight[None, kept]}
    return EngineResult(learned, trace, GuideDiagnostics(**training), draws, stats, state)


def amortised_result(
    request: FitRequest[SVIOptions], plan: Plan, rows: Rows, record: TrainingRecord, trainer: Trainer
) -> EngineResult:
    """The result of an amortised guide: what was learned, and the ELBO of rows trained on, by one draw of each.

    Of latents that are not the rows' it has the guide's means, from draws that are not kept.
    """
    weights = trainer.weights()
    sample = rows.kept[:: -(-len(rows.kept) // LOOKED)]
    elbo = float(trainer.elbos(sample).mean())
    training = training_diagnostics(request, plan, rows, record)
    diagnostics = AmortisedDiagnostics(**training, elbo_nats_per_row=elbo, elbo=elbo * plan.rows)
    params = {n: weights[n] for n in trainer.learned}
    if any(n not in request.card.local(request.keywords) for n in request.card.latents):
        params |= trainer.means(ENOUGH)
    return EngineResult(params, record.trace[:, 0], diagnostics, state=weights)
