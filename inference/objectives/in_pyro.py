import math

import torch
from pyro.distributions import Delta
from pyro.distributions.util import scale_and_mask
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample
from torch.distributions import kl_divergence

from inference.objectives import Terms, bounds, draws, refusals
from inference.objectives.sites import OneByOne, Run, every_value, in_rows, is_exact


def bound(objective, program, guide, inputs, beta=1.0):
    doubly = objective.gradient == "doubly_reparameterised" and objective.num_particles > 1
    weights = Weights() if doubly else None
    found = terms(program, guide, inputs, objective, weights)
    both = bounds.parts(found)
    with torch.no_grad():
        metrics = bounds.metrics(objective, found, [part.detach() for part in both], log_mean_exp)
        if doubly:
            weights.array = bounds.doubly(bounds.log_weights(found, beta).softmax(0), beta)
    return bounds.value(objective, found, both, beta, log_mean_exp), metrics


def log_mean_exp(array):
    return array.logsumexp(0) - math.log(len(array))


class Weights:
    """(K, [E,] B) or (K,), which multiply the gradient that reaches each draw; known once all of them are weighed."""

    array = None

    def of(self, k=slice(None)):
        return lambda: self.array[k]


def terms(program, guide, inputs, objective, weights=None):
    K = objective.num_particles
    lead = (K,) if K > 1 and not getattr(program, "all_rows_in_one", False) else ()
    try:
        first = traced(guide, {}, inputs, lead)
        drawn = Draws(program, guide, inputs, objective, first, lead)
        if K == 1 or (lead and drawn.local):  # all draws in one run
            rows, rest = drawn.terms(first, weights and weights.of())
            extra = rows.pop("extra")
            if K == 1:
                rows = {n: v if v is None else v[None] for n, v in rows.items()}
            if not drawn.local:
                rest = {n: v if v is None else v[None] for n, v in rest.items()}
            return Terms(**rows, **rest, extra=extra, scale=drawn.scale)
    except OneByOne:
        first = traced(guide, {}, inputs)
    drawn = Draws(program, guide, inputs, objective, first)
    each = [drawn.terms(traced(guide, drawn.held, inputs) if k else first, weights and weights.of(k)) for k in range(K)]
    rows, rest = (
        {n: v if v is None else torch.stack([a[i][n] for a in each]) for n, v in each[0][i].items()} for i in (0, 1)
    )
    if drawn.local:
        if objective.name == "iwae" and any(v is not None and (v != v[0]).any() for v in rest.values()):
            raise refusals.tied_rows()
        rest = {n: v if v is None else v.mean() for n, v in rest.items()}
    extra = rows.pop("extra").mean()
    return Terms(**rows, **rest, extra=extra, scale=drawn.scale)


class At(Messenger):
    """Sites at given values; the guide's discrete latents of the rows at all of theirs, the others drawn K times."""

    def __init__(self, values, lead, stopped):
        super().__init__()
        self.values, self.lead, self.stopped = values, lead, stopped
        self.sites, self.plate, self.exact, self.drawn = {}, None, 0, False

    def _pyro_sample(self, msg):
        if msg["is_observed"] or isinstance(msg["fn"], _Subsample):
            return
        if msg["name"] in self.values:
            msg["value"], msg["done"] = self.values[msg["name"]], True
        elif is_exact(msg):
            if self.lead and self.drawn:
                raise OneByOne  # it depends, perhaps, on draws that are not in its place
            msg["value"], msg["done"] = every_value(msg, self.exact), True
            self.exact += 1
        elif self.lead and in_rows(msg) and not msg["done"]:
            if len(msg["cond_indep_stack"]) > 1:
                raise OneByOne
            lacking = 2 + self.exact - len(msg["fn"].batch_shape)  # none where it depends on an earlier draw
            shape = self.lead + (1,) * (lacking - 1) if lacking else ()
            msg["value"], msg["done"], self.drawn = msg["fn"](torch.Size(shape)), True, True

    def _pyro_post_sample(self, msg):
        if not isinstance(msg["fn"], _Subsample):
            self.sites[msg["name"]] = msg
        elif msg["name"] == "N":
            self.plate = msg["fn"].size, len(msg["value"])

    def _pyro_post_param(self, msg):
        if self.stopped:
            msg["value"] = msg["value"].detach()


def traced(program, values, inputs, lead=(), stopped=False):
    with At(values, lead, stopped) as at:
        program(**inputs)
    return Run(at.sites, at.plate)


class Draws(draws.Draws):
    def run(self, program, values, stopped=False):
        return traced(program, values, self.inputs, stopped=stopped)

    def log_of(self, site, value):
        return scale_and_mask(site["fn"].log_prob(value), mask=site["mask"])

    def formula(self, q, p):
        return kl_divergence(q, p)

    def is_point(self, law):
        while hasattr(law, "base_dist"):
            law = law.base_dist
        return isinstance(law, Delta)

    def place_of(self, law):
        return law.rsample()

    def weighed(self, value, weight, site):
        event = site["fn"].event_dim
        if self.exact:
            rows = value.shape[: value.dim() - event][-1:]
            value = value.expand(*self.lead, *self.sizes, *rows, *value.shape[value.dim() - event :])
        if not value.requires_grad:
            return value
        value = value.view_as(value)  # the guide's own use of the draw keeps its gradient
        value.register_hook(lambda slope: slope * self.along(weight(), site))
        return value

    def detached(self, value):
        return value.detach()

    def wide(self, array, shape):
        return array.expand(shape)

    def zeros(self, shape):
        return torch.zeros(shape)

    def exp(self, array):
        return array.exp()

    def where(self, condition, array):
        return torch.where(condition, array, 0.0)
