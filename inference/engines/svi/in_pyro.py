from dataclasses import replace

import numpy as np
import torch
from pyro import poutine

from inference.engines.starts.in_pyro import begin
from inference.engines.svi import networks
from inference.engines.svi.ending import ENOUGH, answer, said_of
from inference.engines.svi.options import check, guide_of, is_amortised
from inference.engines.svi.plan import Plan
from inference.engines.svi.rows import Rows, first_rows
from inference.engines.svi.training import train
from inference.engines.svi.training.in_pyro import Trainer
from inference.exact.enumeration.in_pyro import summed
from inference.unconstrained.in_pyro import Free
from zoo._backend.in_pyro import enter, leave, minibatch


def run(task):
    check(task)
    rows = Rows.of(task)
    plan = Plan.of(task, rows)
    with torch.random.fork_rng():
        torch.manual_seed(task.seed)
        if is_amortised(task):
            return networks.run(task, rows, plan, Trainer, summed, enter)
        return densities(task, rows, plan)


def densities(task, rows, plan):
    """A guide over the latents of all rows, drawn from at the end."""
    seen = replace(task, table=rows.whole, keywords={**task.keywords, **({"N": plan.rows} if len(rows.held) else {})})
    program = summed(task.program)
    free = Free(program, enter(seen.keywords), enter(seen.table))
    (start,), began = begin(seen, free, [task.seed])
    guide = set_up(seen, rows, program, free, start)
    inputs = {**free.inputs, **(enter(rows.carried) if len(rows.held) else {})}
    trainer = Trainer(task, plan, rows, program, guide, inputs)
    record = train(task, trainer, plan, rows)
    trainer.use()
    drawn = draws(guide, program, free, max(task.options["num_draws"], ENOUGH))
    frame = getattr(guide, "frame", {})
    return answer(task, {"start": began, **said_of(task, plan, rows, record)}, record, trainer, *drawn, frame)


def set_up(task, rows, program, free, start):
    """The guide, called once: guides look at the program, and at data, when they are first called."""
    inputs, some = free.inputs, first_rows(task, rows, free.plates)
    if some is not None:
        here = torch.as_tensor(some, device=torch.zeros(()).device)
        program, inputs = minibatch(program, here), {**inputs, **enter(rows.some(rows.kept[some]))}
    guide = guide_of(task.options, "pyro")(program, start)
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
    return leave({n: torch.stack([v[n] for v in values]) for n in free.shapes}), log_p, log_p - log_q
