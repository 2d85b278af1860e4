from functools import cached_property

import torch
from torch.distributions import biject_to

from inference.engines.em.general import step
from inference.exact.enumeration.in_pyro import single_draws


class GeneralStep(step.GeneralStep):
    @cached_property
    def preconditioner(self):
        draws = torch.stack([self.flatten(draw) for draw in single_draws(self.density.prior_draws(200))])
        low, median, high = draws.quantile(torch.tensor([0.25, 0.5, 0.75]).to(draws), dim=0)
        spread = (high - low) / 2  # of what is learned without a prior there is none
        return median, torch.where(spread > 0, spread.clamp_min(1e-6), 1.0)

    def array(self, vector):
        return torch.as_tensor(vector).to(self.weights)

    def flatten(self, params):
        return torch.cat([self.bijection(n).inv(params[n]).reshape(-1) for n in self.density.supports])

    def bijection(self, name):
        return biject_to(self.density.supports[name])

    def posterior(self, params):
        return self.density.posterior(params, self.row_weights)

    def value_and_gradient(self, vector, posterior):
        coordinates = self.array(vector).requires_grad_()
        value = self.expected_log_joint(coordinates, posterior)
        return value.item(), torch.autograd.grad(value, coordinates)[0].cpu().numpy()

    def label_posterior(self, params, labels):
        labels = torch.as_tensor(labels, device=self.weights.device).long()
        return self.density.label_posterior(params, labels, self.row_weights)

    def multiply(self, weight, log):
        return torch.where(weight > 0, weight * log, 0.0)

    def hessian(self, params):
        return torch.autograd.functional.hessian(self.log_objective, self.unconstrain(params)).cpu().numpy()
