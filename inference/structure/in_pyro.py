from functools import cached_property

import numpy as np
import torch
from pyro import poutine

from inference.exact.enumeration.in_pyro import EnumeratedDensity, marginalize
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import sample_nodes
from zoo._programs.supports.in_pyro import sum_of_bounds, without_joins

NUM_POINTS = 3


class DensityTest:
    def __init__(self, program, keywords, data):
        self.density = EnumeratedDensity(program, keywords, data)
        self.model = model = UnconstrainedModel(marginalize(program), keywords, data)
        vectors = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (NUM_POINTS, model.size))).to(torch.zeros(()))
        points = [model.constrain(vector) for vector in vectors]
        self.points = {n: np.stack([p[n][0].detach().numpy() for p in points]) for n in model.shapes}

    @cached_property
    def log_joint_at_points(self):
        return self.log_joint(self.points)

    def log_joint(self, values):
        return np.array(
            [self.at_point({n: torch.as_tensor(values[n][i]) for n in self.model.shapes}) for i in range(NUM_POINTS)]
        )

    @torch.no_grad()
    def at_point(self, values):
        returned = self.model.constrain(self.model.unconstrain(values))
        errors = [(returned[n][0] - v).abs().max() for n, v in values.items()]
        return float(self.model.log_joint(values)) if float(max(errors)) < 1e-6 else np.nan

    def likelihood_parents(self):
        point = {n: torch.as_tensor(v[0]).requires_grad_() for n, v in self.points.items()}
        total = self.density.total(point)
        if not total.requires_grad:
            return set()
        slopes = torch.autograd.grad(total, list(point.values()), allow_unused=True)
        return {name for name, slope in zip(point, slopes, strict=True) if slope is not None}

    def scale_parents(self):
        return self.parents(lambda name, fn: scale_of(fn) if name in self.points else None)

    def bound_parents(self):
        return self.parents(lambda name, fn: None if name in self.points else sum_of_bounds(fn))

    def parents(self, tensor_of):
        """For each site the other latents on which its tensor depends; of some sites ``tensor_of`` has none."""
        point = {n: torch.as_tensor(v[0]).requires_grad_() for n, v in self.points.items()}
        with poutine.block(), torch.random.fork_rng(devices=[]):
            nodes = (
                poutine.trace(poutine.condition(self.model.program, data=point)).get_trace(**self.model.inputs).nodes
            )
        parents = {}
        for name, site in sample_nodes(nodes).items():
            tensor, others = tensor_of(name, site["fn"]), [n for n in point if n != name]
            if torch.is_tensor(tensor) and tensor.requires_grad and others:
                slopes = torch.autograd.grad(
                    tensor.sum(), [point[n] for n in others], allow_unused=True, retain_graph=True
                )
                used = zip(others, slopes, strict=True)
                parents[name] = tuple(n for n, slope in used if slope is not None and bool((slope != 0).any()))
        return {n: p for n, p in parents.items() if p}


def scale_of(fn):
    """The scale of a distribution of a location-scale family; None of another."""
    fn = without_joins(fn)
    return getattr(fn, "scale", getattr(fn, "scale_tril", None))
