from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.util import log_density

from guides.base import ModeCentredGuide, split_coordinates, with_coordinates
from inference.engines.starts import NO_STARTS
from inference.engines.starts.in_numpyro import begin
from inference.engines.svi import networks
from inference.engines.svi.guide import (
    check_request,
    check_start_density,
    find_sampled_sites,
    is_amortised,
    make_guide,
    run_guide,
)
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.result import ELBO_DRAWS, guide_result, training_diagnostics
from inference.engines.svi.rows import TrainingRows, setup_rows
from inference.engines.svi.training import train
from inference.engines.svi.training.in_numpyro import Trainer
from inference.exact.enumeration.in_numpyro import marginalize
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import minibatch, to_backend, to_numpy
from zoo._distributions.in_numpyro import with_missing_pattern


def run(request):
    check_request(request)
    rows = TrainingRows.from_request(request)
    plan = TrainingPlan.from_request(request, rows)
    if is_amortised(request):
        return networks.run(request, rows, plan, Trainer, marginalize, to_backend, sites_of)
    return run_family(request, rows, plan)


def run_family(request, rows, plan):
    """Train a guide over the latents of all rows, and draw from it at the end."""
    training_request, program, free, sampled_sites = trained_program(request, rows)
    starts = NO_STARTS if sampled_sites else begin(training_request, free, [request.seed])
    guide = set_up(training_request, rows, program, free, next(iter(starts.values), None))
    check_start_density(request, guide)
    inputs = {**free.arrays, **free.static, **(to_backend(rows.device_table) if len(rows.validation) else {})}
    trainer = Trainer(request, plan, rows, program, guide, inputs)
    keys = jax.random.split(jax.random.PRNGKey(request.seed + 1), max(request.options.num_draws, ELBO_DRAWS))
    arrays = with_coordinates(guide, free.arrays)
    lowered = draws_of(guide, program, free, sampled_sites).lower(keys, trainer.constrained(), arrays)
    with ThreadPoolExecutor(1) as pool:
        compiled = pool.submit(lowered.compile)  # while the steps run
        record = train(request, trainer, plan, rows)
    values, lp, log_weight = compiled.result()(keys, trainer.constrained(), arrays)
    preconditioner = getattr(guide, "preconditioner", {})
    draws = to_numpy(values), np.asarray(lp), np.asarray(log_weight)
    diagnostics = training_diagnostics(request, plan, rows, record, trainer, starts)
    return guide_result(request, diagnostics, record, trainer, *draws, preconditioner)


def trained_program(request, rows):
    """The request for the rows that are trained on, its program and latents, and the discrete sites of the guide."""
    sizes = {"N": len(rows.training)} if len(rows.validation) else {}
    training_request = replace(request, table=rows.training_table, keywords={**request.keywords, **sizes})
    complete = with_missing_pattern(request.program, training_request.table)
    keywords, table = to_backend(training_request.keywords), to_backend(training_request.table)
    sampled_sites = find_sampled_sites(training_request, sites_of, {**keywords, **table})
    is_joint = len(sampled_sites) == len(request.card.enumerated)
    program = complete if is_joint else marginalize(complete, sampled_sites)
    free = UnconstrainedModel(program, keywords, table, needs_latents=not sampled_sites)
    return training_request, program, free, sampled_sites


def redraw(request, state, count, seed):
    """Values, log p and log p - log q of new draws from the guide of an earlier run, whose state it is."""
    _, program, free, sampled_sites = trained_program(request, TrainingRows.from_request(request))
    guide = make_guide(request, program, None)
    if isinstance(guide, ModeCentredGuide):
        guide.restore({**free.arrays, **free.static}, state)
    keys = jax.random.split(jax.random.fold_in(jax.random.PRNGKey(seed), 1), count)
    draw = draws_of(guide, program, free, sampled_sites)
    values, lp, log_weight = draw(keys, to_backend(dict(state)), with_coordinates(guide, free.arrays))
    return to_numpy(values), np.asarray(lp), np.asarray(log_weight)


def set_up(request, rows, program, free, start):
    """The guide, called once outside of any compilation: guides read the program, and data, when first called."""
    inputs, some_rows = {**free.arrays, **free.static}, setup_rows(request, rows, free.plates)
    if some_rows is not None:
        program = minibatch(program, jnp.asarray(some_rows))
        inputs |= to_backend(rows.take(rows.training[some_rows]))
    guide = make_guide(request, program, start)
    with handlers.block():
        run_guide(request, lambda: handlers.trace(handlers.seed(guide, request.seed)).get_trace(**inputs))
    return guide


def sites_of(guide, inputs):
    """The names of the sites of a guide."""
    with handlers.block():
        return list(handlers.trace(handlers.seed(guide, 0)).get_trace(**inputs))


def draws_of(guide, program, free, sampled_sites):
    """A function of keys: ``(values, log p, log p - log q)`` of one draw from the guide for each.

    sampled_sites: discrete latents of the guide, which are part of the densities.
    """

    def draw(key, params, arrays):
        moved, inputs = split_coordinates(guide, {**arrays, **free.static})
        log_q, nodes = log_density(handlers.seed(moved, key), (), inputs, params)
        values = {n: nodes[n]["value"] for n in free.shapes}
        discrete = {n: nodes[n]["value"] for n in sampled_sites}
        log_p, _ = log_density(program, (), inputs, {**params, **values, **discrete})
        return {**values, **discrete}, log_p, log_p - log_q

    return jax.jit(lambda keys, *rest: jax.lax.map(lambda key: draw(key, *rest), keys))
