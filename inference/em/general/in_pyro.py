import math
from functools import cached_property

import torch
from torch.distributions import biject_to
from torch.nn.functional import one_hot

from inference.em.ascent import ascend
from inference.enumeration.in_pyro import values_along


class Ascent:
    def __init__(self, sum_, weights, objective):
        self.sum, self.weights, self.objective = sum_, weights, objective

    def step(self, params):
        joint, by_row = self.sum.posterior(params, self.weights)
        return self.maximise(params, joint), (by_row * self.weights).sum()

    def maximise(self, params, joint):
        free = self.free(params)

        def value_and_gradient(at):
            at = torch.as_tensor(at).to(free).requires_grad_()
            value = self.expected(at, joint)
            return value.item(), torch.autograd.grad(value, at)[0].cpu().numpy()

        found = ascend(value_and_gradient, free.cpu().double().numpy(), self.scale)
        return self.constrain(torch.as_tensor(found).to(free))

    @property
    def scale(self):
        return float(self.weights.sum())

    def expected(self, free, joint):
        params = self.constrain(free)
        total = self.complete(self.sum.factors(params)[0], joint)
        return total + (self.sum.log_prior(params) if self.objective == "map" else 0.0)

    def complete(self, factors, joint):
        """The expected complete-data log-likelihood."""
        # what has no weight may be impossible: 0 times -inf is 0 here
        return sum(torch.where(joint[n] > 0, joint[n] * f.log, 0.0).sum() for n, f in factors.items())

    def from_labels(self, labels, K):
        params = self.constrain(torch.zeros_like(self.frame[0]))
        (v,) = self.sum.variables
        r = one_hot(torch.as_tensor(labels, device=self.weights.device).long(), K)
        r = values_along(r * self.weights[:, None], v)
        joint = {
            n: r.expand(torch.broadcast_shapes(r.shape, f.log.shape)) for n, f in self.sum.factors(params)[0].items()
        }
        return self.maximise(params, joint)

    def free(self, params):
        middle, width = self.frame
        return (self.flat(params) - middle) / width

    def constrain(self, free):
        middle, width = self.frame
        return self.unflat(free * width + middle)

    @cached_property
    def frame(self):
        # quasi-Newton steps want coordinates of like size: those of the prior, whose quartiles become -1 and 1
        draws = torch.stack([self.flat(draw) for draw in self.sum.prior_draws(200)])
        low, middle, high = draws.quantile(torch.tensor([0.25, 0.5, 0.75]).to(draws), dim=0)
        return middle, ((high - low) / 2).clamp_min(1e-6)

    def flat(self, params):
        return torch.cat([self.bijection(n).inv(params[n]).reshape(-1) for n in self.sum.supports])

    def unflat(self, vector):
        shapes = {n: self.bijection(n).inverse_shape(s) for n, s in self.sum.shapes.items()}
        parts = vector.split([math.prod(s) for s in shapes.values()])
        return {n: self.bijection(n)(p.reshape(s)) for p, (n, s) in zip(parts, shapes.items(), strict=True)}

    def bijection(self, name):
        return biject_to(self.sum.supports[name])

    @property
    def parameters(self):
        """How many free numbers the parameters have."""
        return sum(math.prod(self.bijection(n).inverse_shape(s)) for n, s in self.sum.shapes.items())

    def hessian(self, params):
        def objective(free):
            params = self.constrain(free)
            factors, variables, rows = self.sum.factors(params)
            total, _ = self.sum.total(factors, variables, rows, self.weights)
            return total + (self.sum.log_prior(params) if self.objective == "map" else 0.0)

        return torch.autograd.functional.hessian(objective, self.free(params)).cpu().numpy()

    def entropy(self, params):
        # log p(x) is the expected complete-data log joint and the entropy of the labels
        joint, by_row = self.sum.posterior(params, self.weights)
        return float((by_row * self.weights).sum() - self.complete(self.sum.factors(params)[0], joint))
