"""SVI with an amortised guide: it takes a batch of rows at a time, and no draws are taken at the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import guides
from inference.engines.contract import EngineResult, FitRequest
from inference.engines.svi.guide import find_sampled_sites, run_guide
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
    marginalize: Callable[[Program, Collection[str]], Program],
    to_backend: Callable[[Mapping[str, object]], BackendParams],
    sites_of: Callable[[Program, BackendParams], Collection[str]],
) -> EngineResult:
    """Train program and guide together.

    make_trainer, marginalize, to_backend: those of a backend. sites_of: the names of the sites of a guide.
    """
    inputs = {**to_backend(request.keywords), **to_backend(rows.device_table), "N": plan.num_rows}
    sampled_sites = find_sampled_sites(request, sites_of, inputs)
    is_joint = len(sampled_sites) == len(request.card.enumerated)
    program = request.program if is_joint else marginalize(request.program, sampled_sites)
    guide = guides.make(request.options.guide, request.model)(program, None)
    trainer = run_guide(request, lambda: make_trainer(request, plan, rows, program, guide, inputs))
    if request.options.start is not None:
        trainer.start_at(request.options.start)
    record = train(request, trainer, plan, rows)
    return amortised_result(request, plan, rows, record, trainer)
