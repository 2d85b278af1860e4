import math

import numpy as np
import torch

from inference.engines.em.exponential_family import Form, Precise
from inference.engines.em.gaussian_mixture import MAX_PRECISION, floors, make_check
from inference.engines.em.mixed_latent_class import EMPTY, MARGIN, MIN_WEIGHT, RIDGE
from inference.engines.em.poisson_mixture import MAX_RATE, MIN_RATE
from zoo._distributions.mixed_columns import layout
from zoo._distributions.mixed_columns.in_pyro import MixedColumns
from zoo.data.column_kinds import column_levels


def form(data, keywords, options):
    columns = column_levels(keywords["columns"], keywords["D"])
    at, device = layout(columns), data["x"].device
    C, R, P = len(at.numbers), len(at.counts), len(at.covariates)
    weights = torch.as_tensor(np.array(options.sample_weight), device=device)
    centre, scale = moments(data["x"][:, at.numbers].to(torch.float64), weights)
    loc, mean_scale, spread = (
        torch.as_tensor(keywords[n], device=device).expand(C) for n in ("loc", "scale", "spread")
    )
    mean_scale, spread = mean_scale / scale, spread / scale
    shape, mean = keywords["shape"], torch.as_tensor(keywords["mean"], device=device).expand(R)
    floor = floors(options, centre.cpu().numpy(), scale.cpu().numpy())
    least = torch.as_tensor(floor.variance if floor.clip is None else np.full(C, floor.clip), device=device)
    levels = torch.as_tensor(np.arange(len(at.owners)) - at.starts[at.owners], device=device)
    ends = np.cumsum([1, C, C, C, R, R, len(at.owners)]).tolist()
    membership = Membership(at.covariates, keywords)

    def features(x):
        return join(x, *standardised(x, centre))

    def standardised(x, origin):
        y = ((x[..., at.numbers].to(torch.float64) - origin) / scale).nan_to_num()
        return y, y**2

    def join(x, y, squares):
        counts = x[:, at.counts].to(torch.float64)
        is_level = x[:, at.categories][:, at.owners] == levels  # False where missing
        num_observed, num_counts = ~x[:, at.numbers].isnan(), ~counts.isnan()
        return torch.cat(
            [torch.ones(len(x), 1), num_observed, y, squares, num_counts, counts.nan_to_num(), is_level], dim=1
        )

    def natural(params):
        pi, mu, Lambda, rate, theta = unpack(params)
        precision, m = Lambda * scale**2, (mu - centre) / scale
        constant = 0.5 * (precision.log() - 2 * scale.log() - math.log(2 * math.pi) - precision * m**2)
        numbers = [constant, precision * m, -0.5 * precision]
        return torch.cat([pi.log()[:, None], *numbers, -rate, rate.log(), theta.log()], dim=1).T

    def unpack(params):
        K = len(params["pi"])
        empty = torch.ones(K, 0)
        theta = torch.cat([empty, *(params[f"theta{d}"] for d in at.categories)], dim=1)
        return params["pi"], params.get("mu", empty), params.get("Lambda", empty), params.get("rate", empty), theta

    def maximise(sums, previous):
        return maximise_about(centre, sums, previous)

    def maximise_about(origin, sums, previous):  # sums of (x - origin) / scale, where origin is (C,) or (K, C)
        n, num_observed, first, second, num_counts, counts, level_sums, membership_sums = sums.tensor_split(ends, dim=1)
        is_map, is_start = options.objective == "map", previous is None
        params = {"pi": n[:, 0] / n.sum()}
        if P:
            params |= (
                {"odds": torch.full((P, len(n)), 1 / len(n))}
                if is_start
                else membership.maximise(previous, membership_sums)
            )
        if C:
            num_observed = num_observed.clamp_min(EMPTY)
            if is_map or is_start:
                old = (spread**-2).expand(num_observed.shape) if is_start else previous["Lambda"] * scale**2
                prior = 1.0
                m = (old * first + (loc - origin) / scale / mean_scale**2) / (num_observed * old + mean_scale**-2)
            else:
                prior, m = 0.0, first / num_observed
            scatter = second - 2 * m * first + num_observed * m**2
            variance = ((scatter + prior * spread**2) / (num_observed + prior)).maximum(least)
            variance = torch.where(num_observed + prior > MIN_WEIGHT, variance, 1.0)
            params |= {"mu": origin + scale * m, "Lambda": 1 / (variance * scale**2)}
        if R:
            if is_map or is_start:
                rate = (counts + shape - 1) / (num_counts + shape / mean)
            else:
                rate = torch.where(num_counts > MIN_WEIGHT, counts / num_counts.clamp_min(EMPTY), mean)
            params["rate"] = rate.clamp_min(MIN_RATE)
        for d, own in zip(at.categories, level_sums.split(at.sizes.tolist(), dim=1), strict=True):
            own = own + is_start  # at the start one more answer of each level
            total = own.sum(1, keepdim=True)
            theta = torch.where(total > 0, own / torch.where(total > 0, total, 1.0), 1 / own.shape[1])
            theta = theta.clamp_min(MARGIN)
            params[f"theta{d}"] = theta / theta.sum(1, keepdim=True)
        return params

    def is_needed(params):
        _, _, Lambda, rate, _ = unpack(params)
        return P or bool((Lambda * scale**2 > MAX_PRECISION).any() or (rate > MAX_RATE).any())

    def log_joint(x, params):
        _, mu, Lambda, rate, theta = unpack(params)
        values = MixedColumns(mu, Lambda**-0.5, rate, theta.log(), columns)
        log_pi = membership.log_probs(x, params) if P else params["pi"].log()
        return log_pi + values.log_prob(x[:, None].to(torch.float64))

    def sums(x, r, origin):
        y, squares = standardised(x[:, None], origin.get("mu", centre))
        total = r.T @ join(x, torch.zeros(len(x), C), torch.zeros(len(x), C))
        first, second = (r[:, :, None] * y).sum(0), (r[:, :, None] * squares).sum(0)
        parts = [total[:, : 1 + C], first, second, total[:, 1 + 3 * C :]]
        return torch.cat([*parts, *([membership.sums(x, r, origin)] if P else ())], dim=1)

    def base(x):
        return -torch.lgamma(x[:, at.counts].to(torch.float64).nan_to_num() + 1).sum(1)

    precise = Precise(
        is_needed,
        log_joint,
        sums,
        lambda sums, params, origin: maximise_about(origin.get("mu", centre), sums, params),
    )
    check = make_check(floor, options, "diag", scale.cpu().numpy()) if C else None
    return Form(features, natural, maximise, base, precise, check)


class Membership:
    """The probabilities of the classes given covariates, and the step of their coefficients."""

    def __init__(self, columns, keywords):
        self.columns, self.mean, self.sd = columns, keywords["covariate_mean"], keywords["covariate_sd"]

    def predictors(self, x):
        w = (x[:, self.columns].to(torch.float64) - self.mean) / self.sd
        return torch.cat([torch.ones(len(x), 1), w], dim=1)

    def coefficients(self, params):
        return torch.cat([params["pi"][None], params["odds"]]).log()

    def log_probs(self, x, params):
        return (self.predictors(x) @ self.coefficients(params)).log_softmax(1)

    def sums(self, x, r, params):
        """The gradient (K, 1 + P), and the products of the predictors (K, (1 + P)^2), side by side."""
        w, weights = self.predictors(x), r.sum(1, keepdim=True)
        gradient = (r - weights * self.log_probs(x, params).exp()).T @ w
        return torch.cat([gradient, torch.einsum("bk,bp,bq->kpq", r, w, w).flatten(1)], dim=1)

    def maximise(self, params, sums):
        size = 1 + len(self.columns)
        gram = sums[:, size:].sum(0).reshape(size, size)
        gram = gram + RIDGE * gram.trace() * torch.eye(size)
        step = 2 * torch.linalg.solve(gram, sums[:, :size].T)
        probabilities = (self.coefficients(params) + step).softmax(1)
        return {"pi": probabilities[0], "odds": probabilities[1:]}


def moments(x, weights):
    """Mean and standard deviation of each column, (C,), missing values left out."""
    observed = (~x.isnan()).to(x.dtype)
    count = weights @ observed
    centre = weights @ x.nan_to_num() / count
    return centre, (weights @ ((x - centre) ** 2).nan_to_num() / count).sqrt()
