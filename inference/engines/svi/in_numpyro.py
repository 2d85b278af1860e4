from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.util import log_density

from inference.engines.starts.in_numpyro import begin
from inference.engines.svi import networks
from inference.engines.svi.ending import ENOUGH, answer, said_of
from inference.engines.svi.options import check, guide_of, is_amortised
from inference.engines.svi.plan import Plan
from inference.engines.svi.rows import Rows, first_rows
from inference.engines.svi.training import train
from inference.engines.svi.training.in_numpyro import Trainer
from inference.exact.enumeration.in_numpyro import summed
from inference.unconstrained.in_numpyro import Free
from zoo._backend.in_numpyro import enter, leave, minibatch
from zoo._distributions.in_numpyro import knowing_holes


def run(task):
    check(task)
    rows = Rows.of(task)
    plan = Plan.of(task, rows)
    if is_amortised(task):
        return networks.run(task, rows, plan, Trainer, summed, enter)
    return densities(task, rows, plan)


def densities(task, rows, plan):
    """A guide over the latents of all rows, drawn from at the end."""
    seen = replace(task, table=rows.whole, keywords={**task.keywords, **({"N": plan.rows} if len(rows.held) else {})})
    program = summed(knowing_holes(task.program, seen.table))
    free = Free(program, enter(seen.keywords), enter(seen.table))
    (start,), began = begin(seen, free, [task.seed])
    guide = set_up(seen, rows, program, free, start)
    inputs = {**free.arrays, **free.plain, **(enter(rows.carried) if len(rows.held) else {})}
    trainer = Trainer(task, plan, rows, program, guide, inputs)
    keys = jax.random.split(jax.random.PRNGKey(task.seed + 1), max(task.options["num_draws"], ENOUGH))
    drawing = draws_of(guide, program, free).lower(keys, trainer.constrained(), free.arrays)
    with ThreadPoolExecutor(1) as beside:
        compiled = beside.submit(drawing.compile)  # while the steps run
        record = train(task, trainer, plan, rows)
    values, lp, log_weight = compiled.result()(keys, trainer.constrained(), free.arrays)
    frame = getattr(guide, "frame", {})
    drawn = leave(values), np.asarray(lp), np.asarray(log_weight)
    return answer(task, {"start": began, **said_of(task, plan, rows, record)}, record, trainer, *drawn, frame)


def set_up(task, rows, program, free, start):
    """The guide, called once outside of any compilation: guides look at the program, and at data, when first called."""
    inputs, some = {**free.arrays, **free.plain}, first_rows(task, rows, free.plates)
    if some is not None:
        program, inputs = minibatch(program, jnp.asarray(some)), {**inputs, **enter(rows.some(rows.kept[some]))}
    guide = guide_of(task.options, "numpyro")(program, start)
    with handlers.block():
        handlers.trace(handlers.seed(guide, task.seed)).get_trace(**inputs)
    return guide


def draws_of(guide, program, free):
    """A function of keys: ``(values, log p, log p - log q)`` of one draw from the guide for each."""

    def one(key, params, arrays):
        inputs = {**arrays, **free.plain}
        log_q, nodes = log_density(handlers.seed(guide, key), (), inputs, params)
        values = {n: nodes[n]["value"] for n in free.shapes}
        log_p, _ = log_density(program, (), inputs, {**params, **values})
        return values, log_p, log_p - log_q

    return jax.jit(lambda keys, *rest: jax.lax.map(lambda key: one(key, *rest), keys))
