from functools import cached_property

import torch
from torch.distributions import biject_to
from torch.nn.functional import one_hot

from inference.engines.em.general import ascent
from inference.exact.enumeration.in_pyro import values_along


class Ascent(ascent.Ascent):
    @cached_property
    def frame(self):
        draws = torch.stack([self.flat(draw) for draw in self.sum.prior_draws(200)])
        low, middle, high = draws.quantile(torch.tensor([0.25, 0.5, 0.75]).to(draws), dim=0)
        return middle, ((high - low) / 2).clamp_min(1e-6)

    def array(self, vector):
        return torch.as_tensor(vector).to(self.weights)

    def flat(self, params):
        return torch.cat([self.bijection(n).inv(params[n]).reshape(-1) for n in self.sum.supports])

    def bijection(self, name):
        return biject_to(self.sum.supports[name])

    def posterior(self, params):
        return self.sum.posterior(params, self.weights)

    def slope(self, at, joint):
        free = self.array(at).requires_grad_()
        value = self.expected(free, joint)
        return value.item(), torch.autograd.grad(value, free)[0].cpu().numpy()

    def chosen(self, labels, K):
        r = one_hot(torch.as_tensor(labels, device=self.weights.device).long(), K)
        return values_along(r * self.weights[:, None], self.sum.variables[0])

    def times(self, weight, log):
        return torch.where(weight > 0, weight * log, 0.0)

    def hessian(self, params):
        return torch.autograd.functional.hessian(self.log_objective, self.free(params)).cpu().numpy()
