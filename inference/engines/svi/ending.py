"""What SVI says at the end: the same for both backends."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines import Answer, Task
from inference.engines.svi.convergence import convergence
from inference.engines.svi.options import name_of
from inference.engines.svi.plan import Plan
from inference.engines.svi.rows import Rows
from inference.engines.svi.training import Record, Trainer, told

ENOUGH = 100  # draws at least, by which the ELBO is estimated
LOOKED = 10_000  # rows at most, by which that of an amortised guide is


def said_of(task: Task, plan: Plan, rows: Rows, record: Record) -> dict[str, Any]:
    """What is said of every training."""
    said: dict[str, Any] = {"guide": name_of(task.options), **told(plan, record)}
    said |= convergence(record.trace[:, 0], plan.epoch)
    if record.broken:
        said["converged"] = False
    elif record.done < plan.steps:  # stopped early, for nothing was gained
        said["converged"] = True
    said["beta"] = plan.warn(record.done - 1)
    if rows.batch:
        said["batch_size"] = rows.batch
    if len(rows.held):
        said["rows_held_out"] = rows.held
    return said


def answer(
    task: Task,
    said: dict[str, Any],
    record: Record,
    trainer: Trainer,
    values: dict[str, np.ndarray],
    lp: np.ndarray,
    log_weight: np.ndarray,
    frame: dict[str, np.ndarray],
) -> Answer:
    """The Answer from draws of the trained guide: values (draws, *shape), and (draws,) of log p and log p - log q."""
    weights, trace = trainer.weights(), record.trace[:, 0]
    learned, state = {n: weights[n] for n in trainer.learned}, {**weights, **frame}
    said = {**said, "elbo": float(log_weight.mean())}
    said["elbo_se"] = float(log_weight.std(ddof=1) / np.sqrt(len(log_weight)))
    if all((v == v[0]).all() for v in values.values()):  # a guide without spread is a point
        return Answer({**{n: v[0] for n, v in values.items()}, **learned}, trace, state=state, diagnostics=said)
    kept = slice(None, task.options["num_draws"])
    draws = {n: v[None, kept] for n, v in values.items()}
    stats = {"lp": lp[None, kept], "log_weight": log_weight[None, kept]}
    return Answer(learned, trace, draws, stats, state, said)


def answer_of_networks(task: Task, plan: Plan, rows: Rows, record: Record, trainer: Trainer) -> Answer:
    """The Answer of an amortised guide: what was learned, and the ELBO of rows trained on, by one draw of each.

    Of latents that are not the rows' it has the guide's means, from draws that are not kept.
    """
    weights = trainer.weights()
    looked = rows.kept[:: -(-len(rows.kept) // LOOKED)]
    elbo = float(trainer.elbos(looked).mean())
    said = {**said_of(task, plan, rows, record), "elbo_nats_per_row": elbo, "elbo": elbo * plan.rows}
    params = {n: weights[n] for n in trainer.learned}
    if any(n not in task.card.local(task.keywords) for n in task.card.latents):
        params |= trainer.means(ENOUGH)
    return Answer(params, record.trace[:, 0], state=weights, diagnostics=said)
