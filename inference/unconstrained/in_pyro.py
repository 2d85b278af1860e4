import math

import numpy as np
import torch
from pyro import poutine
from torch.distributions import biject_to

from inference.unconstrained import NUM_PRIOR_DRAWS, NUM_START_DRAWS
from zoo import ZooError
from zoo._backend.in_pyro import sample_nodes, with_values


class UnconstrainedModel:
    def __init__(self, program, keywords, data, needs_latents=True):
        self.program, self.inputs = program, {**data, **keywords}
        # a value in each support: an improper prior has one too
        nodes, others = (self.latents(seed, with_values(program)) for seed in (0, 1))
        if needs_latents and not nodes:
            raise ZooError("the program has no continuous latent, so there is nothing to fit")
        self.shapes = {n: tuple(s["value"].shape) for n, s in nodes.items()}
        self.plates = {n: tuple(f.name for f in s["cond_indep_stack"]) for n, s in nodes.items()}
        self.event_dims = {n: s["fn"].event_dim for n, s in nodes.items()}
        self.bijections = {n: biject_to(s["fn"].support) for n, s in nodes.items()}
        zero = torch.zeros(())
        for name in nodes:
            one, other = (
                biject_to(run[name]["fn"].support)(zero.expand(self.unconstrained_shape(name)))
                for run in (nodes, others)
            )
            if not torch.equal(one, other):
                raise ZooError(
                    f"the support of {name} depends on another latent: write it as a function of one whose support "
                    "is fixed"
                )
        self.unconstrained_shapes = {n: self.unconstrained_shape(n) for n in nodes}
        self.size = sum(map(math.prod, self.unconstrained_shapes.values()))

    def unconstrained_shape(self, name):
        return tuple(self.bijections[name].inverse_shape(torch.Size(self.shapes[name])))

    def latents(self, seed, program):
        with poutine.block(), torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            nodes = sample_nodes(poutine.trace(program).get_trace(**self.inputs).nodes)
        latents = {n: nodes[n] for n in sorted(nodes) if not nodes[n]["is_observed"]}
        return {n: s for n, s in latents.items() if not s["fn"].support.is_discrete}  # those that remain are drawn

    def unconstrain(self, values):
        return torch.cat([b.inv(values[n]).reshape(-1) for n, b in self.bijections.items()])

    def constrain_numpy(self, vector):
        """Values of the latents, arrays of the backend, from a vector in NumPy."""
        return {n: v for n, (v, _) in self.constrain(torch.as_tensor(vector).to(torch.zeros(()))).items()}

    def unconstrain_numpy(self, values):
        return self.unconstrain(values).cpu().double().numpy()

    def unconstrain_draws(self, draws):
        return {n: b.inv(draws[n]) for n, b in self.bijections.items() if n in draws}

    def constrain(self, vector):
        values = {}
        parts = vector.split([math.prod(s) for s in self.unconstrained_shapes.values()])
        for (name, shape), part in zip(self.unconstrained_shapes.items(), parts, strict=True):
            values[name] = self.constrain_site(name, part.reshape(shape))
        return values

    def constrain_site(self, name, unconstrained):
        value = self.bijections[name](unconstrained)
        log_jacobian = self.bijections[name].log_abs_det_jacobian(unconstrained, value)
        batch = value.shape[: value.ndim - self.event_dims[name]]
        return value, log_jacobian.reshape(*batch, -1).sum(-1)

    def constrain_draws(self, draws):
        by_site = {n: [self.constrain_site(n, u) for u in v] for n, v in draws.items()}
        return {n: tuple(torch.stack(parts) for parts in zip(*pairs, strict=True)) for n, pairs in by_site.items()}

    def log_density(self, vector, jacobian=True):
        values = self.constrain(vector)
        joint = self.log_joint({n: v for n, (v, _) in values.items()})
        return joint + sum(j.sum() for _, j in values.values()) if jacobian else joint

    def log_joint(self, values):
        """log p(values, data) in nats."""
        with poutine.block():
            return poutine.trace(poutine.condition(self.program, data=values)).get_trace(**self.inputs).log_prob_sum()

    def value_grad_hvp(self, jacobian=True):
        @torch.enable_grad()
        def value_grad_hvp(point, direction):
            vector = torch.as_tensor(point).to(torch.zeros(())).requires_grad_()
            value = self.log_density(vector, jacobian)
            with_product = bool(np.any(direction))  # the second derivative costs more than all else
            (gradient,) = torch.autograd.grad(value, vector, create_graph=with_product)
            product = torch.zeros_like(vector)
            if with_product and gradient.requires_grad:
                (product,) = torch.autograd.grad(gradient, vector, torch.as_tensor(direction).to(vector))
            return value.item(), gradient.detach().cpu().double().numpy(), product.cpu().double().numpy()

        return value_grad_hvp

    def prior_vectors(self, seed, count=NUM_START_DRAWS):
        """Draws from the prior, (count, P); of an improper one, values in its support."""
        seeds = [seed * count + i for i in range(count)]
        try:
            draws = [self.latents(i, self.program) for i in seeds]
        except NotImplementedError:  # an improper prior
            draws = [self.latents(i, with_values(self.program)) for i in seeds]
        return np.stack([self.unconstrain_numpy({n: s["value"] for n, s in draw.items()}) for draw in draws])

    def prior_median(self, seed):
        try:
            seeds = [seed * NUM_PRIOR_DRAWS + i for i in range(NUM_PRIOR_DRAWS)]
            draws = [{n: s["value"] for n, s in self.latents(i, self.program).items()} for i in seeds]
        except NotImplementedError:  # an improper prior
            draws = [{n: s["value"] for n, s in self.latents(seed, with_values(self.program)).items()}]
        vector = torch.stack([self.unconstrain(values) for values in draws]).median(0).values
        return {n: v for n, (v, _) in self.constrain(vector).items()}
