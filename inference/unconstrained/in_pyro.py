import math

import numpy as np
import torch
from pyro import poutine
from pyro.infer.autoguide import init_to_uniform
from pyro.infer.autoguide.initialization import InitMessenger
from torch.distributions import biject_to

from inference.unconstrained import FEW
from zoo import ZooError
from zoo._backend.in_pyro import sample_nodes


class UnconstrainedModel:
    def __init__(self, program, keywords, data):
        self.program, self.inputs = program, {**data, **keywords}
        # a value in each support: a prior that cannot be drawn from has one too
        nodes, others = (self.latents(seed, InitMessenger(init_to_uniform)(program)) for seed in (0, 1))
        if not nodes:
            raise ZooError("the program has no continuous latent: there is nothing to fit")
        self.shapes = {n: tuple(s["value"].shape) for n, s in nodes.items()}
        self.plates = {n: tuple(f.name for f in s["cond_indep_stack"]) for n, s in nodes.items()}
        self.event_dims = {n: s["fn"].event_dim for n, s in nodes.items()}
        self.bijections = {n: biject_to(s["fn"].support) for n, s in nodes.items()}
        point = torch.zeros(())
        for name in nodes:
            one, other = (
                biject_to(run[name]["fn"].support)(point.expand(self.free_shape(name))) for run in (nodes, others)
            )
            if not torch.equal(one, other):
                raise ZooError(f"the support of {name} moves with another latent: write it as a function of a free one")
        self.free_shapes = {n: self.free_shape(n) for n in nodes}
        self.size = sum(map(math.prod, self.free_shapes.values()))

    def free_shape(self, name):
        return tuple(self.bijections[name].inverse_shape(torch.Size(self.shapes[name])))

    def latents(self, seed, program):
        with poutine.block(), torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            nodes = sample_nodes(poutine.trace(program).get_trace(**self.inputs).nodes)
        return {n: nodes[n] for n in sorted(nodes) if not nodes[n]["is_observed"]}

    def flat(self, values):
        return torch.cat([b.inv(values[n]).reshape(-1) for n, b in self.bijections.items()])

    def numbers(self, values):
        return self.flat(values).cpu().double().numpy()

    def constrain(self, free):
        values = {}
        parts = free.split([math.prod(s) for s in self.free_shapes.values()])
        for (name, shape), part in zip(self.free_shapes.items(), parts, strict=True):
            part = part.reshape(shape)
            value = self.bijections[name](part)
            log_jacobian = self.bijections[name].log_abs_det_jacobian(part, value)
            batch = value.shape[: value.ndim - self.event_dims[name]]
            values[name] = value, log_jacobian.reshape(*batch, -1).sum(-1)
        return values

    def log_density(self, free, jacobian=True):
        values = self.constrain(free)
        joint = self.log_joint({n: v for n, (v, _) in values.items()})
        return joint + sum(j.sum() for _, j in values.values()) if jacobian else joint

    def log_joint(self, values):
        """log p(values, data), of the values as they stand."""
        with poutine.block():
            return poutine.trace(poutine.condition(self.program, data=values)).get_trace(**self.inputs).log_prob_sum()

    def value_grad_hvp(self, jacobian=True):
        @torch.enable_grad()
        def value_grad_hvp(at, direction):
            free = torch.as_tensor(at).to(torch.zeros(())).requires_grad_()
            value = self.log_density(free, jacobian)
            turning = bool(np.any(direction))  # the curvature costs more than all else
            (gradient,) = torch.autograd.grad(value, free, create_graph=turning)
            turn = torch.zeros_like(free)
            if turning and gradient.requires_grad:
                (turn,) = torch.autograd.grad(gradient, free, torch.as_tensor(direction).to(free))
            return value.item(), gradient.detach().cpu().double().numpy(), turn.cpu().double().numpy()

        return value_grad_hvp

    def prior_median(self, seed):
        try:
            draws = [{n: s["value"] for n, s in self.latents(seed * FEW + i, self.program).items()} for i in range(FEW)]
        except NotImplementedError:  # an improper prior
            draws = [
                {n: s["value"] for n, s in self.latents(seed, InitMessenger(init_to_uniform)(self.program)).items()}
            ]
        free = torch.stack([self.flat(values) for values in draws]).median(0).values
        return {n: v for n, (v, _) in self.constrain(free).items()}
