from dataclasses import replace

import numpy as np
import torch
from pyro import poutine

from inference.engines.starts.in_pyro import begin
from inference.engines.svi import networks
from inference.engines.svi.guide import check_request, guide_of, is_amortised
from inference.engines.svi.plan import Plan
from inference.engines.svi.result import ENOUGH, guide_result, training_diagnostics
from inference.engines.svi.rows import Rows, first_rows
from inference.engines.svi.training import train
from inference.engines.svi.training.in_pyro import Trainer
from inference.exact.enumeration.in_pyro import marginalize
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import minibatch, to_backend, to_numpy


def run(request):
    check_request(request)
    rows = Rows.of(request)
    plan = Plan.of(request, rows)
    with torch.random.fork_rng():
        torch.manual_seed(request.seed)
        if is_amortised(request):
            return networks.run(request, rows, plan, Trainer, marginalize, to_backend)
        return densities(request, rows, plan)


def densities(request, rows, plan):
    """A guide over the latents of all rows, drawn from at the end."""
    seen = replace(
        request, table=rows.whole, keywords={**request.keywords, **({"N": plan.rows} if len(rows.held) else {})}
    )
    program = marginalize(request.program)
    free = UnconstrainedModel(program, to_backend(seen.keywords), to_backend(seen.table))
    (start,), began = begin(seen, free, [request.seed])
    guide = set_up(seen, rows, program, free, start)
    inputs = {**free.inputs, **(to_backend(rows.carried) if len(rows.held) else {})}
    trainer = Trainer(request, plan, rows, program, guide, inputs)
    record = train(request, trainer, plan, rows)
    trainer.use()
    drawn = draws(guide, program, free, max(request.options.num_draws, ENOUGH))
    frame = getattr(guide, "frame", {})
    return guide_result(
        request, {"start": began, **training_diagnostics(request, plan, rows, record)}, record, trainer, *drawn, frame
    )


def set_up(request, rows, program, free, start):
    """The guide, called once: guides look at the program, and at data, when they are first called."""
    inputs, some = free.inputs, first_rows(request, rows, free.plates)
    if some is not None:
        here = torch.as_tensor(some, device=torch.zeros(()).device)
        program, inputs = minibatch(program, here), {**inputs, **to_backend(rows.some(rows.kept[some]))}
    guide = guide_of(request.options, "pyro")(program, start)
    with torch.no_grad():
        poutine.trace(guide).get_trace(**inputs)
    return guide


@torch.no_grad()
def draws(guide, program, free, count):
    """``(values, log p, log p - log q)`` of draws from the guide, each with one leading dimension."""
    values, log_p, log_q = [], [], []
    for _ in range(count):
        traced = poutine.trace(guide).get_trace(**free.inputs)
        values.append({n: traced.nodes[n]["value"] for n in free.shapes})
        log_p.append(float(free.log_joint(values[-1])))
        log_q.append(float(traced.log_prob_sum()))
    log_p, log_q = np.array(log_p), np.array(log_q)
    return to_numpy({n: torch.stack([v[n] for v in values]) for n in free.shapes}), log_p, log_p - log_q
