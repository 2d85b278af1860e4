"""SVI with a guide that reads the rows: it is given some of them at a time, and is not drawn from at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.engines import EngineResult, FitRequest
from inference.engines.svi.guide import guide_of
from inference.engines.svi.plan import Plan
from inference.engines.svi.result import amortised_result
from inference.engines.svi.rows import Rows
from inference.engines.svi.training import train


def run(
    request: FitRequest, rows: Rows, plan: Plan, Trainer: Any, marginalize: Any, to_backend: Callable[[Any], Any]
) -> EngineResult:
    """Train program and guide together; the last three are a backend's."""
    whole = request.options.guide == request.card.name or not request.card.enumerated  # the guide has every latent
    program = request.program if whole else marginalize(request.program)
    guide = guide_of(request.options, request.model.backend)(program, None)
    inputs = {**to_backend(request.keywords), **to_backend(rows.carried), "N": plan.rows}
    trainer = Trainer(request, plan, rows, program, guide, inputs)
    if request.options.start is not None:
        trainer.begin_at(request.options.start)
    record = train(request, trainer, plan, rows)
    return amortised_result(request, plan, rows, record, trainer)
