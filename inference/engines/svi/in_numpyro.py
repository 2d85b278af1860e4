from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.util import log_density

from inference.engines.starts.in_numpyro import begin
from inference.engines.svi import networks
from inference.engines.svi.guide import check_request, guide_of, is_amortised
from inference.engines.svi.plan import Plan
from inference.engines.svi.result import ENOUGH, guide_result, training_diagnostics
from inference.engines.svi.rows import Rows, first_rows
from inference.engines.svi.training import train
from inference.engines.svi.training.in_numpyro import Trainer
from inference.exact.enumeration.in_numpyro import marginalize
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import minibatch, to_backend, to_numpy
from zoo._distributions.in_numpyro import with_missing_pattern


def run(request):
    check_request(request)
    rows = Rows.of(request)
    plan = Plan.of(request, rows)
    if is_amortised(request):
        return networks.run(request, rows, plan, Trainer, marginalize, to_backend)
    return densities(request, rows, plan)


def densities(request, rows, plan):
    """A guide over the latents of all rows, drawn from at the end."""
    seen = replace(
        request, table=rows.whole, keywords={**request.keywords, **({"N": plan.rows} if len(rows.held) else {})}
    )
    program = marginalize(with_missing_pattern(request.program, seen.table))
    free = UnconstrainedModel(program, to_backend(seen.keywords), to_backend(seen.table))
    (start,), began = begin(seen, free, [request.seed])
    guide = set_up(seen, rows, program, free, start)
    inputs = {**free.arrays, **free.plain, **(to_backend(rows.carried) if len(rows.held) else {})}
    trainer = Trainer(request, plan, rows, program, guide, inputs)
    keys = jax.random.split(jax.random.PRNGKey(request.seed + 1), max(request.options.num_draws, ENOUGH))
    drawing = draws_of(guide, program, free).lower(keys, trainer.constrained(), free.arrays)
    with ThreadPoolExecutor(1) as beside:
        compiled = beside.submit(drawing.compile)  # while the steps run
        record = train(request, trainer, plan, rows)
    values, lp, log_weight = compiled.result()(keys, trainer.constrained(), free.arrays)
    frame = getattr(guide, "frame", {})
    drawn = to_numpy(values), np.asarray(lp), np.asarray(log_weight)
    return guide_result(
        request, {"start": began, **training_diagnostics(request, plan, rows, record)}, record, trainer, *drawn, frame
    )


def set_up(request, rows, program, free, start):
    """The guide, called once outside of any compilation: guides look at the program, and at data, when first called."""
    inputs, some = {**free.arrays, **free.plain}, first_rows(request, rows, free.plates)
    if some is not None:
        program, inputs = minibatch(program, jnp.asarray(some)), {**inputs, **to_backend(rows.some(rows.kept[some]))}
    guide = guide_of(request.options, "numpyro")(program, start)
    with handlers.block():
        handlers.trace(handlers.seed(guide, request.seed)).get_trace(**inputs)
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
