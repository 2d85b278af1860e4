"""SVI with an amortised guide: it takes a batch of rows at a time, and is not drawn from at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import guides
from inference.engines.contract import EngineResult, FitRequest
from inference.engines.svi.guide import run_guide
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.result import amortised_result
from inference.engines.svi.rows import TrainingRows
from inference.engines.svi.training import Trainer, train
from zoo.types import BackendParams, Program


def run(
    request: FitRequest[SVIOptions],
    rows: TrainingRows,
    plan: TrainingPlan,
    make_trainer: Callable[..., Trainer],
    marginalize: Callable[[Program], Program],
    to_backend: Callable[[Mapping[str, object]], BackendParams],
) -> EngineResult:
    """Train program and guide together; the last three arguments are those of a backend."""
    # the model's own guide has a site for every latent, discrete ones too
    has_all_latents = request.options.guide == request.card.name or not request.card.enumerated
    program = request.program if has_all_latents else marginalize(request.program)
    guide = guides.make(request.options.guide, request.model)(program, None)
    inputs = {**to_backend(request.keywords), **to_backend(rows.device_table), "N": plan.num_rows}
    trainer = run_guide(request, lambda: make_trainer(request, plan, rows, program, guide, inputs))
    if request.options.start is not None:
        trainer.start_at(request.options.start)
    record = train(request, trainer, plan, rows)
    return amortised_result(request, plan, rows, record, trainer)
