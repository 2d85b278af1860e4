"""SVI with a guide that reads the rows: it is given some of them at a time, and is not drawn from at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.engines import Answer, Task
from inference.engines.svi.ending import answer_of_networks
from inference.engines.svi.options import guide_of
from inference.engines.svi.plan import Plan
from inference.engines.svi.rows import Rows
from inference.engines.svi.training import train


def run(task: Task, rows: Rows, plan: Plan, Trainer: Any, summed: Any, enter: Callable[[Any], Any]) -> Answer:
    """Train program and guide together; the last three are a backend's."""
    whole = task.options["guide"] == task.card.name or not task.card.enumerated  # the guide has every latent
    program = task.program if whole else summed(task.program)
    guide = guide_of(task.options, task.model.backend)(program, None)
    inputs = {**enter(task.keywords), **enter(rows.carried), "N": plan.rows}
    trainer = Trainer(task, plan, rows, program, guide, inputs)
    if task.options["start"] is not None:
        trainer.begin_at(task.options["start"])
    record = train(task, trainer, plan, rows)
    return answer_of_networks(task, plan, rows, record, trainer)
