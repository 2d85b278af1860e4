import math
import time

import numpy as np
import torch

from inference.engines.svi.guide import run_guide
from inference.engines.svi.in_pyro import sites_of
from inference.engines.svi.training.in_pyro import Trainer
from inference.evaluation.gradients import assignments
from inference.evaluation.gradients.moments import STATE_STEPS, GradientDraws
from inference.exact.enumeration.in_pyro import marginalize
from inference.objectives import Objective
from inference.objectives.choice import choose_estimators
from inference.objectives.estimators import in_pyro as functions
from inference.objectives.in_pyro import BoundDraws, bound, first_run
from inference.objectives.runs.in_pyro import traced
from zoo._backend.in_pyro import SubstituteParams, to_backend


class GradientSampler:
    def __init__(self, problem):
        self.problem, request, rows = problem, problem.request, problem.rows
        inputs = {**to_backend(request.keywords), **to_backend(rows.device_table)}
        program, guide = problem.program_and_guide(inputs, sites_of, marginalize)
        with torch.random.fork_rng():
            torch.manual_seed(request.seed)
            self.trainer = run_guide(request, lambda: Trainer(request, problem.plan, rows, program, guide, inputs))
        if problem.weights is not None:
            self.trainer.start_at(problem.weights)
        # a tensor may have several names: the first one counts
        first = {id(p): n for n, p in reversed(list(zip(self.trainer.names, self.trainer.params, strict=True)))}
        self.names = [first[id(p)] for p in self.trainer.trained]
        self.moment = problem.beta, problem.fraction
        self.sizes = [p.numel() for p in self.trainer.trained]
        self.batch = rows.training[problem.plan.batches(0, 1)[0]] if problem.plan.batch_size else None

    def step(self):
        """Program, guide and inputs of one evaluation."""
        inputs, pair = self.trainer.step_inputs(self.batch)
        return *pair, inputs

    def constrained(self):
        """A context in which param statements have the constrained parameters as functions of the others."""
        trainer = self.trainer
        names = zip(trainer.names, trainer.transforms, trainer.params, strict=True)
        return SubstituteParams({n: t(p) for n, t, p in names})

    def choose(self, objective):
        """The estimator of each drawn site, and the number of values that are enumerated; raises ZooError."""
        program, guide, inputs = self.step()
        with self.constrained(), torch.random.fork_rng():
            run = first_run(program, guide, inputs, objective)[0]
            chosen = choose_estimators(objective, run.latents, run.enumerated, functions.kind_of)
            bound(objective, program, guide, inputs, *self.moment)
        return chosen, math.prod(len(run.latents[n]["value"]) for n in run.enumerated)

    def draw(self, objective, batches, size, seed):
        """Draws of the gradient by an objective's estimators."""
        state = self.stationary_state(objective)

        def gradient(program, guide, inputs):
            return self.slopes(bound(objective, program, guide, inputs, *self.moment, state)[0])

        return self.repeat(gradient, batches, size, seed)

    def stationary_state(self, objective):
        """The state of the estimators after steps at these parameters; empty where they have none."""
        state = {}
        with torch.random.fork_rng():
            torch.manual_seed(self.problem.request.seed)
            for _ in range(STATE_STEPS):
                with self.constrained():
                    state = bound(objective, *self.step(), *self.moment, state)[1].state
                if not state:
                    break
        return state

    def slopes(self, value):
        """The gradient of a value as a vector."""
        parts = torch.autograd.grad(value, self.trainer.trained, allow_unused=True, materialize_grads=True)
        return torch.cat([part.reshape(-1) for part in parts])

    def repeat(self, gradient, batches, size, seed):
        """Draws of a gradient that is a function of program, guide and inputs."""
        means, squares, seconds, bounds = [], [], [], np.cumsum(self.sizes)[:-1]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for _ in range(batches):
                mean, square, begin = np.zeros(sum(self.sizes)), np.zeros(len(self.sizes)), time.perf_counter()
                for count in range(1, size + 1):
                    with self.constrained():
                        slopes = gradient(*self.step()) / self.problem.plan.num_rows
                    difference = slopes.cpu().numpy().astype(float) - mean
                    mean += difference / count
                    parts = np.split(difference**2 * (1 - 1 / count), bounds)
                    square += [part.sum() for part in parts]
                means.append(mean)
                squares.append(square)
                seconds.append(time.perf_counter() - begin)
        return GradientDraws(np.array(means), np.array(squares), size, float(np.median(seconds)) / size)

    def discrete_latents(self):
        """The discrete latents of the guide, None where values cannot be listed; and whether all latents are."""
        _, guide, inputs = self.step()
        with torch.no_grad(), self.constrained(), torch.random.fork_rng():
            sites = traced(guide, {}, inputs).latents
        bases = {n: functions.within(s["fn"]) for n, s in sites.items()}
        discrete = [n for n, s in sites.items() if s["fn"].support.is_discrete]
        are_all = len(discrete) == len(sites)
        if not all(assignments.has_finite_support(bases[n]) for n in discrete):
            return None, are_all
        self.supports = {n: assignments.support_of(bases[n]) for n in discrete}
        return [assignments.DiscreteLatent.from_site(sites[n], bases[n]) for n in discrete], are_all

    def enumerate(self, latents, batches, size, seed):
        """Draws of the gradient of the ELBO with its discrete latents summed out."""
        digits = torch.as_tensor(assignments.list_assignments(latents), dtype=torch.long)

        def gradient(program, guide, inputs):
            total = torch.zeros(sum(self.sizes))
            for one in digits:
                parts = assignments.split_digits(latents, one)
                values = {v.name: v.value(self.supports[v.name], parts[v.name], torch.Tensor.expand) for v in latents}
                run = traced(guide, values, inputs)
                pair = BoundDraws(program, guide, inputs, Objective(), run)
                total += self.slopes(assignments.assignment_term(pair, run, latents, self.problem.beta))
            return total

        return self.repeat(gradient, batches, size, seed)
