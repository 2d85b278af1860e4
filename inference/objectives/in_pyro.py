from contextlib import suppress
from dataclasses import replace

import torch
from torch.distributions import kl_divergence

from inference.objectives import BoundDetails, BoundTerms, bounds, codes, draws, estimated, groups, refusals
from inference.objectives.discrete_values import DiscreteValues
from inference.objectives.estimators import in_pyro as functions
from inference.objectives.estimators.in_pyro import log_mean_exp
from inference.objectives.responses import NUM_DRAWS, Response, responses
from inference.objectives.runs.in_pyro import TracedPair, traced
from inference.objectives.sites import CannotBroadcast


def bound(objective, program, guide, inputs, beta=1.0, fraction=1.0, state=None):
    first, sample_shape, noise = first_run(program, guide, inputs, objective, fraction)
    if first.draws_discrete:
        pair, draws = estimated_draws(
            program, guide, inputs, objective, first, sample_shape, noise, beta, fraction, state
        )
        return estimated_bound(pair, draws)
    is_doubly = objective.gradient == "doubly_reparameterised" and objective.num_particles > 1
    weights = Weights() if is_doubly else None
    bound_terms = terms_of(program, guide, inputs, objective, first, sample_shape, weights)
    split = bounds.reconstruction_and_kl(bound_terms)
    with torch.no_grad():
        metrics = bounds.metrics(objective, bound_terms, [part.detach() for part in split], log_mean_exp)
        if weights:
            weights.array = bounds.doubly_weights(bounds.log_weights(bound_terms, beta).softmax(0), beta)
    if objective.penalty:
        penalty_inputs = codes.penalty_inputs(objective, first, bound_terms, fraction, state or {}, None, functions)
        split = bounds.penalise(objective, bound_terms, split, penalty_inputs)
        value = bounds.value(objective, bound_terms, split, beta, log_mean_exp)
        with torch.no_grad():
            metrics["objective"] = value.detach() - bound_terms.extra.detach()
            after = codes.next_penalty_state(objective, penalty_inputs, functions)
        return value, BoundDetails(metrics, first.assigned, after)
    weighted = groups.count_kl(objective, bound_terms, split, fraction, functions) if objective.has_groups else split
    value = bounds.value(objective, bound_terms, weighted, beta, log_mean_exp)
    return value, BoundDetails(metrics, first.assigned, {})


def estimated_bound(pair, draws):
    objective, bound_terms = pair.objective, pair.bound_terms(draws)
    split = bounds.reconstruction_and_kl(bound_terms)
    with torch.no_grad():
        metrics = bounds.metrics(objective, bound_terms, [part.detach() for part in split], log_mean_exp)
        after = pair.next_state(draws)
    value = bounds.value(objective, bound_terms, split, pair.beta, log_mean_exp)
    return value + pair.surrogate(draws), BoundDetails(metrics, pair.first.assigned, after)


def initial_state(program, guide, inputs, objective):
    first = first_run(program, guide, inputs, objective)
    if objective.penalty:
        refusals.check_draws(objective, first[0].latents, first[0].enumerated)
        return codes.initial_penalty_state(objective, first[0], None, functions)
    if not first[0].draws_discrete:
        return {}
    pair, draws = estimated_draws(program, guide, inputs, objective, *first)
    return pair.initial_state(draws)


def relaxed_responses(program, guide, inputs, objective):
    first, _, noise = first_run(program, guide, inputs, replace(objective, vectorised=False))
    draws = EstimatedDraws(program, guide, inputs, objective, first, noise)
    each = stack_draws([responses(draws) for _ in range(NUM_DRAWS)])
    return {name: Response(*(part.max() for part in response)) for name, response in each.items()}


def estimated_draws(program, guide, inputs, objective, first, sample_shape, noise, *moment):
    """``(EstimatedDraws, its draws)``: all K in one run where they broadcast."""
    pair = EstimatedDraws(program, guide, inputs, objective, first, noise, *moment, sample_shape=sample_shape)
    K = pair.num_draws
    if K > 1 and all(pair.is_local.values()) and is_vectorised(program, objective):
        with suppress(CannotBroadcast):
            if sample_shape != (K,):
                fill = DiscreteValues(objective, functions, pair.fraction, sample_shape=(K,))
                again = traced(guide, {}, inputs, fill, (K,))
                pair = EstimatedDraws(program, guide, inputs, objective, again, fill.noise, *moment, sample_shape=(K,))
            return pair, pair.draw_times()
    if pair.sample_shape:
        pair = EstimatedDraws(program, guide, inputs, objective, first, noise, *moment)
    return pair, pair.draw_times()


def stack_draws(draws):
    """K values of one structure, of tuples, lists and dicts, as one whose arrays have a first dimension K."""
    first = draws[0]
    if isinstance(first, dict):
        return {name: stack_draws([draw[name] for draw in draws]) for name in first}
    if isinstance(first, tuple | list):
        parts = [stack_draws(list(parts)) for parts in zip(*draws, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if first is None:
        return None
    return torch.stack(draws) if len(draws) > 1 else first[None]


def with_dimension(draws):
    """K draws of one run, where features and slopes, which they share, have a first dimension too."""
    features = None if draws.features is None else draws.features[None]
    slopes = {n: {m: v[None] for m, v in arrays.items()} for n, arrays in draws.slopes.items()}
    return draws._replace(features=features, slopes=slopes)


class Weights:
    """(K, [E,] B) or (K,), which multiply the gradient that reaches each draw; set once all draws are evaluated."""

    array = None

    def at(self, k=slice(None)):
        return lambda: self.array[k]


def is_vectorised(program, objective):
    """Whether several draws may be one more dimension of a run."""
    return objective.vectorised and not getattr(program, "sums_over_rows", False)


def first_run(program, guide, inputs, objective, fraction=1.0):
    """``(run of the guide, (K,) or (), noise)``, with K draws of the latents of the rows where they broadcast."""
    K = objective.num_particles
    sample_shape = (K,) if K > 1 and is_vectorised(program, objective) else ()
    fill = DiscreteValues(objective, functions, fraction, sample_shape=sample_shape)
    with suppress(CannotBroadcast):
        return traced(guide, {}, inputs, fill, sample_shape), sample_shape, fill.noise
    fill = DiscreteValues(objective, functions, fraction)
    return traced(guide, {}, inputs, fill), (), fill.noise


def terms(program, guide, inputs, objective):
    first, sample_shape, noise = first_run(program, guide, inputs, objective)
    if first.draws_discrete:
        pair, draws = estimated_draws(program, guide, inputs, objective, first, sample_shape, noise)
        return pair.bound_terms(draws)
    return terms_of(program, guide, inputs, objective, first, sample_shape)


def terms_of(program, guide, inputs, objective, first, sample_shape, weights=None):
    K = objective.num_particles
    try:
        pair = BoundDraws(program, guide, inputs, objective, first, sample_shape)
        if K == 1 or (sample_shape and pair.has_local_latents):  # all draws in one run
            rows, rest = pair.terms(first, weights and weights.at())
            extra = rows.pop("extra")
            if K == 1:
                rows = {n: v if v is None else v[None] for n, v in rows.items()}
            if not pair.has_local_latents:
                rest = {n: v if v is None else v[None] for n, v in rest.items()}
            return BoundTerms(**rows, **rest, extra=extra, scale=pair.scale, group_sizes=pair.group_sizes)
    except CannotBroadcast:
        first = traced(guide, {}, inputs, DiscreteValues(objective, functions))
    pair = BoundDraws(program, guide, inputs, objective, first)
    runs = [pair.terms(traced(guide, pair.fixed, inputs) if k else first, weights and weights.at(k)) for k in range(K)]
    rows, rest = (
        {n: v if v is None else torch.stack([run[i][n] for run in runs]) for n, v in runs[0][i].items()} for i in (0, 1)
    )
    if pair.has_local_latents:
        if objective.name == "iwae" and any(v is not None and (v != v[0]).any() for v in rest.values()):
            raise refusals.dependent_rows()
        rest = {n: v if v is None else v.mean() for n, v in rest.items()}
    extra = rows.pop("extra").mean()
    return BoundTerms(**rows, **rest, extra=extra, scale=pair.scale, group_sizes=pair.group_sizes)


class BoundDraws(TracedPair, draws.BoundDraws):
    def log_probability(self, distribution, value):
        return functions.within(distribution).log_prob(value)

    def formula(self, q, p):
        return kl_divergence(q, p)

    def with_weight(self, value, weight, site):
        event = site["fn"].event_dim
        if self.enumerated_latents:
            rows = value.shape[: value.dim() - event][-1:]
            value = value.expand(*self.sample_shape, *self.sizes, *rows, *value.shape[value.dim() - event :])
        if not value.requires_grad:
            return value
        value = value.view_as(value)  # the guide's own use of the draw keeps its gradient
        value.register_hook(lambda slope: slope * self.align_weight(weight(), site))
        return value

    def stack_last(self, arrays):
        return torch.stack(arrays, -1)

    def detach(self, value):
        return value.detach()

    def exp(self, array):
        return array.exp()

    def where(self, condition, array):
        return torch.where(condition, array, 0.0)


class EstimatedDraws(estimated.EstimatedDraws, BoundDraws):
    functions = functions

    def __init__(self, program, guide, inputs, objective, first, noise, *moment, **rest):
        super().__init__(program, guide, inputs, objective, first, *moment, **rest)
        self.first, self.noise, self.stacks_draws = first, noise, is_vectorised(program, objective)

    def terms_with_coupled(self, run):
        try:
            return super().terms_with_coupled(run)
        except CannotBroadcast:
            self.stacks_draws = False
            return super().terms_with_coupled(run)

    def draw_times(self):
        if self.sample_shape:
            return with_dimension(self.draw_all(run=self.first))
        others = [self.draw_all() for _ in range(self.num_draws - 1)] if self.num_draws > 1 else []
        return stack_draws([self.draw_all(run=None if others else self.first), *others])

    def freeze(self):
        pass  # derivatives are by one tensor alone

    def draw_run(self, key, values):
        return traced(self.guide, values, self.inputs, self.fill_with(), self.sample_shape)
