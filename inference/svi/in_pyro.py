import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.infer import Trace_ELBO

from inference.enumeration.in_pyro import summed
from inference.free.in_pyro import Free, begin
from inference.progress import Progress
from inference.svi.ending import ENOUGH, answer, check_begun
from inference.svi.options import check_parameters, check_sites, checked, first_rows, guide_of
from zoo import ZooError
from zoo._backend.in_pyro import enter, leave, minibatch, sample_nodes

OFTEN = 50  # steps between two words about the ELBO


def run(task):
    options = checked(task)
    data, keywords = enter(task.table), enter(task.keywords)
    program = summed(task.program)
    free = Free(program, keywords, data)
    (start,), said = begin(task, free, [task.seed])
    with torch.random.fork_rng():
        torch.manual_seed(task.seed)
        guide = set_up(task, program, free, start)
        trace = train(task, program, guide, free)
        values, lp, log_weight = draws(guide, program, free, max(options["num_draws"], ENOUGH))
    params = dict(pyro.get_param_store().items())
    frame = getattr(guide, "frame", {})
    return answer(task, said, trace, leave(values), lp, log_weight, {**leave(params), **frame})


def set_up(task, program, free, start):
    """The guide, called once: guides look at the program, and at data, when they are first called."""
    rows = first_rows(task, any("N" in p for p in free.plates.values()))
    inputs = free.inputs
    if rows is not None:
        rows = torch.as_tensor(rows, device=torch.zeros(()).device)
        program, inputs = minibatch(program, rows), {**inputs, **taken(task, inputs, rows)}
    guide = guide_of(task.options, "pyro")(program, start)
    with torch.no_grad():
        nodes = sample_nodes(poutine.trace(guide).get_trace(**inputs).nodes)
    check_sites(list(free.shapes), [n for n, s in nodes.items() if not s["is_observed"] and not helps(s)])
    return guide


def helps(site):
    return site["infer"].get("is_auxiliary", False)


def taken(task, inputs, rows):
    """The data of some rows, by site."""
    sites = task.card.sites(task.keywords)
    return {n: inputs[n].index_select(sites[n].dims.index("N"), rows) for n in task.table if "N" in sites[n].dims}


def train(task, program, guide, free):
    """Trains the parameters in the store; gives the ELBO at each step, as far as it is a number."""
    total, size = task.options["num_steps"], task.options["batch_size"]
    elbo, trace = Trace_ELBO(task.options["num_particles"]), []
    optimiser = schedule = None
    with Progress("svi", total, task.progress) as progress:
        for rows in batches(task.rows, size, total):
            on_rows, inputs = (program, guide), free.inputs
            if size:
                on_rows = minibatch(program, rows), minibatch(guide, rows)
                inputs = {**inputs, **taken(task, inputs, rows)}
            loss = elbo.differentiable_loss(*on_rows, **inputs)
            params = [p.unconstrained() for p in pyro.get_param_store().values()]
            if optimiser is None:
                check_parameters(list(pyro.get_param_store()))
                optimiser, schedule = optimiser_of(task.options, params)
            optimiser.zero_grad()
            loss.backward()
            before = [p.detach().clone() for p in params]
            optimiser.step()
            schedule.step()
            if not all(v.isfinite().all() for v in (loss, *params)):
                with torch.no_grad():
                    for param, good in zip(params, before, strict=True):
                        param.copy_(good)
                break
            trace.append(-loss.item())
            if len(trace) % OFTEN == 0 or len(trace) == total:
                progress.at(len(trace), f"ELBO {np.mean(trace[-100:]):.2f} nats")
    check_begun(trace, total)
    return np.array(trace)


def optimiser_of(options, params):
    """The optimiser of ``params``, and the schedule of its learning rate."""
    kind, rate = options["optimizer"] or torch.optim.Adam, options["learning_rate"]
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise ZooError(f"optimizer is a class of torch.optim, such as torch.optim.SGD; given {kind!r}")
    rate = rate if callable(rate) else lambda step, constant=rate: constant
    optimiser = kind(params, lr=1.0)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: float(rate(step)))


def batches(N, size, total):
    """The rows of each step: an epoch is one permutation of them."""
    order = None
    for step in range(total):
        batch = step % (N // size) if size else None
        if batch == 0:
            order = torch.randperm(N)
        yield None if batch is None else order[batch * size : (batch + 1) * size]


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
    return {n: torch.stack([v[n] for v in values]) for n in free.shapes}, log_p, log_p - log_q
