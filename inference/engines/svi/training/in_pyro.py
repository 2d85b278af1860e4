import math
from dataclasses import replace

import numpy as np
import pyro
import torch
from pyro import poutine
from torch.distributions import transform_to
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from inference.engines.svi.evaluation import Evaluation
from inference.engines.svi.evaluation.in_pyro import codes, evaluate
from inference.engines.svi.evaluation.terms import join_codes
from inference.engines.svi.guide import check_parameters, check_plates, check_sites
from inference.engines.svi.training import skipping
from inference.objectives import EVALUATION
from inference.objectives.choice import check_estimators
from inference.objectives.in_pyro import bound, initial_state, relaxed_responses
from inference.objectives.responses import check_responses, has_relaxed
from inference.objectives.runs.in_pyro import can_vectorise
from inference.objectives.sites import is_in_rows
from inference.unconstrained import check_start
from zoo import ZooError
from zoo._backend.in_pyro import SubstituteParams, minibatch, param_nodes, sample_nodes, to_backend, to_numpy


class Trainer:
    def __init__(self, request, plan, rows, program, guide, inputs):
        self.plan, self.rows, self.program, self.guide, self.inputs = plan, rows, program, guide, inputs
        self.objective, self.max_steps = request.options.make_objective(), rows.max_steps
        self.levels = rows.intensity_levels()
        self.decay, self.clip = request.options.weight_average, request.options.clip_norm
        self.seed, self.store = request.seed, pyro.get_param_store()
        self.rows_name = request.card.dim_names.get("N", "N")
        self.set_up()
        self.names = list(self.store.keys())
        self.params = [self.store[n].unconstrained() for n in self.names]
        self.transforms = [transform_to(self.store._constraints[n]) for n in self.names]
        self.average = [p.detach().clone() for p in self.params] if self.decay else [p.detach() for p in self.params]
        # a tensor may have several names, as in the flows of AutoIAFNormal
        self.trained = list({id(p): p for p in self.params}.values())
        self.estimators = self.first_state()
        self.optimiser = make_optimiser(request.options, self.trained)
        self.skip_above = request.options.skip_above
        self.skips = skipping.initial_state(np) if self.skip_above else {}

    def set_up(self):
        """Put the parameters of guide and program before the first step into the store."""
        batch = self.plan.batches(0, 1)[0] if self.plan.batch_size else None
        inputs, (program, guide) = self.step_inputs(None if batch is None else self.rows.training[batch])
        with torch.no_grad():
            guide_trace = poutine.trace(guide).get_trace(**inputs)
            program_trace = poutine.trace(poutine.replay(program, trace=guide_trace)).get_trace(**inputs)
        check_sites(
            [n for n, s in sample_nodes(program_trace.nodes).items() if not s["is_observed"]],
            [n for n, s in sample_nodes(guide_trace.nodes).items() if not s["is_observed"] and not is_help(s)],
        )
        if batch is not None:
            latents = (sample_nodes(t.nodes).items() for t in (program_trace, guide_trace))
            local = ([n for n, s in sites if not s["is_observed"] and is_in_rows(s)] for sites in latents)
            check_plates(*local, self.rows_name)
        check_parameters(list(self.store))
        self.learned = list(param_nodes(program_trace.nodes))
        latents = {n: s for n, s in sample_nodes(guide_trace.nodes).items() if not s["is_observed"]}
        self.discrete = [n for n, s in latents.items() if s["fn"].support.is_discrete]
        check_estimators(self.objective, list(latents), self.discrete)
        if self.objective.num_particles > 1 or self.discrete:
            self.objective = replace(self.objective, vectorised=can_vectorise(program, guide, inputs))

    def first_state(self):
        """The state of the estimators and of the penalty before the first step."""
        if not (self.objective.estimators or self.objective.penalty):  # those of "auto" have none
            return {}
        batch = self.plan.batches(0, 1)[0] if self.plan.batch_size else None
        inputs, pair = self.step_inputs(None if batch is None else self.rows.training[batch])
        if has_relaxed(self.objective):
            with torch.random.fork_rng():
                check_responses(self.objective, relaxed_responses(*pair, inputs, self.objective))
        with torch.random.fork_rng(enabled=self.objective.penalty is not None):  # the draws of the steps stay
            return initial_state(*pair, inputs, self.objective)

    def step_inputs(self, rows, **sizes):
        """The inputs of one step, and program and guide for its batch; ``rows`` of the batch, None for all."""
        inputs, pair, table = {**self.inputs, **sizes}, (self.program, self.guide), self.rows
        if table.on_device and (rows is not None or len(table.validation)):
            index = torch.as_tensor(table.training if rows is None else rows, device=torch.zeros(()).device)
            inputs |= {n: inputs[n].index_select(axis, index) for n, axis in table.axes.items()}
        elif rows is not None:
            inputs |= to_backend(table.take(rows))
        if rows is not None:
            index = torch.arange(len(rows))
            pair = minibatch(self.program, index), minibatch(self.guide, index)
        return binarise(inputs, self.levels), pair

    def advance(self, first, count):
        trace, rows = np.empty((count, 3)), [None] * count
        if self.plan.batch_size:
            rows = self.rows.training[self.plan.batches(first, count)]
        for i in range(count):
            beta, fraction = float(self.plan.beta_at(first + i)), (first + i) / self.plan.num_steps
            inputs, pair = self.step_inputs(rows[i])
            # quicker than the store
            with SubstituteParams({n: t(p) for n, t, p in zip(self.names, self.transforms, self.params, strict=True)}):
                value, details = bound(self.objective, *pair, inputs, beta, fraction, self.estimators)
            for param in self.trained:
                param.grad = None
            # gradients are those of the bound per row, whatever their number
            (value * (-1 / self.plan.num_rows)).backward()
            metrics = [details.metrics[n] for n in (self.objective.metric, "reconstruction", "kl")]
            trace[i], is_done = self.step(first + i, value, metrics, details.assigned)
            if is_done:
                self.estimators = details.state
            elif not (self.skip_above and skipping.goes_on(self.skips)):
                return i, trace[:i], False
            else:
                trace[i] = np.nan
        return count, trace, True

    def step(self, step, value, metrics, assigned):
        """Do one step of the optimiser unless it is broken; return the metrics, and whether it was done.

        assigned: values of parameters that follow a rule of the guide.
        """
        slopes = [p.grad for p in self.trained if p.grad is not None]
        # one read of all numbers: each makes Python wait for the device
        value, *numbers = torch.stack([value.detach(), *metrics, *torch._foreach_norm(slopes)]).tolist()
        metrics, length = numbers[: len(metrics)], math.hypot(*numbers[len(metrics) :])
        rate = float(self.plan.learning_rate_at(step))
        is_done = math.isfinite(value + length + rate)
        if self.skip_above:
            norm = length if is_done else math.nan
            is_done, self.skips = skipping.next_state(self.skips, norm, self.skip_above, np)
        if not is_done:
            return metrics, False
        if self.clip and length > self.clip:
            torch._foreach_mul_(slopes, self.clip / length)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        with torch.no_grad():
            for name, new in assigned.items():
                index = self.names.index(name)
                self.params[index].copy_(self.transforms[index].inv(new))
        if self.decay:
            d = min(self.decay, (1 + step) / (10 + step))  # so that the first steps soon have no weight
            torch._foreach_lerp_(self.average, [p.detach() for p in self.params], 1 - d)
        return metrics, True

    def elbos(self, rows):
        def elbo(program, guide, inputs):
            return float(bound(EVALUATION, program, guide, inputs)[1].metrics["elbo"]) / len(rows)

        return np.array(self.on_parts(elbo, rows))

    def evaluate(self, rows):
        return Evaluation.mean(self.on_parts(evaluate, rows), len(rows))

    def codes(self, rows):
        parts = self.on_parts(codes, rows)
        return join_codes([c if c is None else c._make(v if v is None else v.cpu() for v in c) for c in parts])

    def on_parts(self, function, rows):
        """The values of ``function(program, guide, inputs)`` for each part of some rows."""
        values = []
        with AveragedParameters(self), torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(self.seed + 1)  # the same draws in every call
            for part in self.rows.evaluation_parts(rows):
                inputs, (program, guide) = self.step_inputs(part, N=len(rows))
                values.append(function(program, guide, inputs))
        return values

    def start_at(self, weights):
        given = check_start(weights, {n: tuple(self.store[n].shape) for n in self.names})
        self.finish_at({**self.weights(), **given})
        self.use_average()

    def finish_at(self, weights):
        for name, transform, average in zip(self.names, self.transforms, self.average, strict=True):
            average.copy_(transform.inv(to_backend({name: np.asarray(weights[name])})[name]))

    def constrained(self):
        with AveragedParameters(self):
            return {n: self.store[n].detach().clone() for n in self.names}

    def use_average(self):
        """Replace the parameters by their averages."""
        AveragedParameters(self).put(self.average)

    def weights(self):
        return to_numpy(self.constrained())

    def latent_means(self, count):
        rows, total = self.rows.training[self.plan.batches(0, 1)[0]] if self.plan.batch_size else None, None
        with AveragedParameters(self), torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(self.seed + 1)
            inputs, (_, guide) = self.step_inputs(rows)
            for _ in range(count):
                nodes = sample_nodes(poutine.trace(guide).get_trace(**inputs).nodes)
                values = {n: s["value"] for n, s in nodes.items() if not (is_help(s) or is_in_rows(s))}
                total = values if total is None else {n: total[n] + v for n, v in values.items()}
        return {n: v / count for n, v in to_numpy(total).items()}

    def state(self):
        arrays = {f"params/{i}": p.detach() for i, p in enumerate(self.params)}
        arrays |= {f"average/{i}": a for i, a in enumerate(self.average)}
        arrays |= {f"estimators/{i}": a for i, a in enumerate(tree_leaves(self.estimators))}
        arrays |= {f"skips/{n}": torch.as_tensor(v) for n, v in self.skips.items()}
        for i, moments in self.optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser/{i}/{n}": torch.as_tensor(v) for n, v in moments.items() if v is not None}
        generators = {"cpu": torch.random.get_rng_state()}
        if torch.zeros(()).is_cuda:
            generators["cuda"] = torch.cuda.get_rng_state()
        return to_numpy({**arrays, **{f"generator/{n}": v for n, v in generators.items()}})

    def restore(self, arrays):
        tensors = {n: torch.as_tensor(v) for n, v in arrays.items()}
        with torch.no_grad():
            for i, (param, average) in enumerate(zip(self.params, self.average, strict=True)):
                param.copy_(tensors[f"params/{i}"])
                average.copy_(tensors[f"average/{i}"])
        leaves, tree = tree_flatten(self.estimators)
        self.estimators = tree_unflatten([tensors[f"estimators/{i}"] for i in range(len(leaves))], tree)
        self.skips = {n: np.asarray(arrays[f"skips/{n}"]) for n in self.skips}
        moments = {}
        for path, value in tensors.items():
            if path.startswith("optimiser/"):
                _, i, name = path.split("/")
                moments.setdefault(int(i), {})[name] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        torch.random.set_rng_state(tensors["generator/cpu"].cpu())
        if "generator/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["generator/cuda"].cpu())


class AveragedParameters:
    """A context in which the store holds the averages in place of the parameters."""

    def __init__(self, trainer):
        self.trainer = trainer

    def __enter__(self):
        self.before = [p.detach().clone() for p in self.trainer.params]
        self.put(self.trainer.average)

    def __exit__(self, *error):
        self.put(self.before)

    def put(self, values):
        with torch.no_grad():
            for param, value in zip(self.trainer.params, values, strict=True):
                param.copy_(value)


def binarise(inputs, levels):
    """Replace intensities by zeros and ones, drawn anew."""
    for name, level in levels.items():
        intensity = inputs[name].to(torch.get_default_dtype()) / level
        binary = torch.rand_like(intensity).lt_(intensity)  # quicker than torch.bernoulli
        inputs[name] = torch.where(intensity.isnan(), intensity, binary) if inputs[name].is_floating_point() else binary
    return inputs


def is_help(site):
    """Whether a site of the guide is a help variable."""
    return site["infer"].get("is_auxiliary", False)


def make_optimiser(options, params):
    """The optimiser of ``params``, whose learning rate is set before each step."""
    kind = options.optimizer or (torch.optim.AdamW if options.weight_decay else torch.optim.Adam)
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise ZooError(f"optimizer is a class of torch.optim, such as torch.optim.SGD; given {kind!r}")
    fused = {"fused": True} if kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD) else {}
    decay = {"weight_decay": options.weight_decay} if options.weight_decay else {}
    return kind(params, lr=1.0, **fused, **decay)
