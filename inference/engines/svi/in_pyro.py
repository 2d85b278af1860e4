from dataclasses import replace

import numpy as np
import pyro
import torch
from pyro import poutine

from guides.base import ModeCentredGuide
from inference.engines.starts import NO_STARTS
from inference.engines.starts.in_pyro import begin
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
from inference.engines.svi.training.in_pyro import Trainer
from inference.exact.enumeration.in_pyro import marginalize
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import SubstituteParams, minibatch, to_backend, to_numpy


def run(request):
    check_request(request)
    rows = TrainingRows.from_request(request)
    plan = TrainingPlan.from_request(request, rows)
    with torch.random.fork_rng():
        torch.manual_seed(request.seed)
        if is_amortised(request):
            return networks.run(request, rows, plan, Trainer, marginalize, to_backend, sites_of)
        return run_family(request, rows, plan)


def run_family(request, rows, plan):
    """Train a guide over the latents of all rows, and draw from it at the end."""
    training_request, program, free, sampled_sites = trained_program(request, rows)
    starts = NO_STARTS if sampled_sites else begin(training_request, free, [request.seed])
    pyro.clear_param_store()  # a statement of both begins as the guide has it, as in pyro.infer.SVI
    guide = set_up(training_request, rows, program, free, next(iter(starts.values), None))
    check_start_density(request, guide)
    inputs = {**free.inputs, **(to_backend(rows.device_table) if len(rows.validation) else {})}
    trainer = Trainer(request, plan, rows, program, guide, inputs)
    record = train(request, trainer, plan, rows)
    trainer.use_average()
    draws = draw(guide, free, sampled_sites, max(request.options.num_draws, ELBO_DRAWS))
    preconditioner = getattr(guide, "preconditioner", {})
    diagnostics = training_diagnostics(request, plan, rows, record, trainer, starts)
    return guide_result(request, diagnostics, record, trainer, *draws, preconditioner)


def trained_program(request, rows):
    """The request for the rows that are trained on, its program and latents, and the discrete sites of the guide."""
    sizes = {"N": len(rows.training)} if len(rows.validation) else {}
    training_request = replace(request, table=rows.training_table, keywords={**request.keywords, **sizes})
    keywords, table = to_backend(training_request.keywords), to_backend(training_request.table)
    sampled_sites = find_sampled_sites(training_request, sites_of, {**keywords, **table})
    is_joint = len(sampled_sites) == len(request.card.enumerated)
    program = request.program if is_joint else marginalize(request.program, sampled_sites)
    free = UnconstrainedModel(program, keywords, table, needs_latents=not sampled_sites)
    return training_request, program, free, sampled_sites


def redraw(request, state, count, seed):
    """Values, log p and log p - log q of new draws from the guide of an earlier run, whose state it is."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _, program, free, sampled_sites = trained_program(request, TrainingRows.from_request(request))
        guide = make_guide(request, program, None)
        if isinstance(guide, ModeCentredGuide):
            guide.restore(free.inputs, state)
        with SubstituteParams(to_backend(dict(state))):
            return draw(guide, free, sampled_sites, count)


def set_up(request, rows, program, free, start):
    """The guide, called once: guides read the program, and data, when first called."""
    inputs, some_rows = free.inputs, setup_rows(request, rows, free.plates)
    if some_rows is not None:
        index = torch.as_tensor(some_rows, device=torch.zeros(()).device)
        program, inputs = minibatch(program, index), {**inputs, **to_backend(rows.take(rows.training[some_rows]))}
    guide = make_guide(request, program, start)
    with torch.no_grad():
        run_guide(request, lambda: poutine.trace(guide).get_trace(**inputs))
    return guide


@torch.no_grad()
def sites_of(guide, inputs):
    """The names of the sites of a guide."""
    with torch.random.fork_rng():
        return list(poutine.trace(guide).get_trace(**inputs).nodes)


@torch.no_grad()
def draw(guide, free, sampled_sites, count):
    """``(values, log p, log p - log q)`` of draws from the guide, each with one leading dimension.

    sampled_sites: discrete latents of the guide, which are part of the densities.
    """
    values, log_p, log_q = [], [], []
    for _ in range(count):
        traced = poutine.trace(guide).get_trace(**free.inputs)
        values.append({n: traced.nodes[n]["value"] for n in (*free.shapes, *sampled_sites)})
        log_p.append(float(free.log_joint(values[-1])))
        log_q.append(float(traced.log_prob_sum()))
    log_p, log_q = np.array(log_p), np.array(log_q)
    return to_numpy({n: torch.stack([v[n] for v in values]) for n in values[0]}), log_p, log_p - log_q
