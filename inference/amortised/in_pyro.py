from contextlib import contextmanager
from itertools import product

import torch
from pyro.distributions import Independent, MultivariateNormal, Normal
from torch.distributions import kl_divergence
from torch.nn.functional import one_hot

from inference.amortised import draws
from inference.amortised.draws import LEARNING_RATE, DrawTerms, is_class, no_temperature, not_normal
from inference.amortised.records import Code, ElboTerms
from inference.objectives.runs.in_pyro import TracedPair, traced
from inference.objectives.sites import Run, draw_site
from zoo._backend.in_pyro import SubstituteParams, kind_of, to_backend, to_numpy


class AmortisedKernels:
    def __init__(self, program, guide, keywords, state):
        self.pair, self.keywords, self.state = (program, guide), to_backend(keywords), to_backend(state)

    def row_draws(self, table, K=None):
        inputs = {**self.keywords, "N": len(next(iter(table.values()))), **to_backend(table)}
        return RowDraws(self.pair, self.state, inputs, K)

    @torch.no_grad()
    def encode(self, table):
        rows, codes = self.row_draws(table), {}
        latents = rows.centres({})
        points = rows.discrete_points(latents)
        for name, site in latents.items():
            distribution = site["fn"]
            if name in points:
                codes[name] = array(one_hot(site["value"], points[name]))
            elif distribution.support.is_discrete:
                codes[name] = array(probabilities(distribution))
            else:
                codes[name] = Code(*map(array, normal_parameters(name, distribution)))
        return codes

    @torch.no_grad()
    def decode(self, latents, seed):
        values = to_backend(latents)
        inputs = {**self.keywords, "N": len(next(iter(values.values())))}
        with seeded(seed or 0):
            sites = RowDraws(self.pair, self.state, inputs).trace(self.pair[0], values).sites
        observed = {n: s for n, s in sites.items() if n not in latents}
        return to_numpy({n: mean(s["fn"]) if seed is None else s["value"] for n, s in observed.items()})

    @torch.no_grad()
    def draw_prior(self, latents, names, codes, fixed, N, temperature, seed):
        rows = RowDraws(self.pair, self.state, {**self.keywords, "N": N})
        values = to_backend({n: v for n, v in codes.items() if fixed[n]})

        def draw(site, _):
            if site["name"] not in names or temperature == 1:
                return None
            if not temperature:
                return rows.centre(site, no_temperature)
            mean, _ = normal_parameters(site["name"], site["fn"], no_temperature)
            return mean + temperature * (site["fn"]() - mean)

        with seeded(seed):
            sites = rows.trace(self.pair[0], {**to_backend(latents), **values}, draw).sites
        return to_numpy({n: sites[n]["value"] for n in names})

    @torch.no_grad()
    def log_weights(self, table, K, seed, normals):
        with seeded(seed):
            terms = self.row_draws(table, K).terms_of_classes(normals_to_backend(normals))
        return array(torch.logsumexp(terms.log_weights, 1))

    @torch.no_grad()
    def elbo_terms(self, table, K, seed, normals):
        with seeded(seed):
            terms = self.row_draws(table, K).terms_of_classes(normals_to_backend(normals))
        kl = to_numpy({n: v.mean(0) for n, v in terms.kl.items()})
        sd = array(terms.elbo.std(0))
        return ElboTerms(array(terms.likelihood.mean(0)), kl, sd, array(terms.prior[0]), array(terms.guide[0]))

    def refine(self, table, steps, K, seed):
        rows = self.row_draws(table, K)
        with torch.no_grad():
            start = rows.normals()
        moved = {
            n: (torch.zeros_like(m).requires_grad_(), torch.zeros_like(m).requires_grad_())
            for n, (m, _) in start.items()
        }
        optimiser = torch.optim.Adam([v for pair in moved.values() for v in pair], LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

        def normals():  # in standard deviations of the start
            return {n: (start[n][0] + start[n][1] * by, start[n][1] * wider.exp()) for n, (by, wider) in moved.items()}

        with seeded(seed):
            for _ in range(steps):
                optimiser.zero_grad()
                (-rows.terms_of_classes(normals()).elbo.mean(0).sum()).backward()
                optimiser.step()
                schedule.step()
        return {n: (array(mean), array(sd)) for n, (mean, sd) in normals().items()}


class RowDraws(TracedPair, draws.RowDraws):
    def __init__(self, pair, state, inputs, K=None):
        program, guide = pair
        self.state = state
        super().__init__(program, guide, inputs, (K,) if K else ())

    def run(self, program, values, stopped=False, through=None):
        with SubstituteParams(self.state):
            return super().run(program, values, stopped, through)

    def trace(self, program, values, fill=draw_site, sample_shape=()):
        with SubstituteParams(self.state):
            return traced(program, values, self.inputs, fill, sample_shape)

    def centres(self, values):
        """The guide's latents, those not in ``values`` at the mean or the most probable value."""
        return self.trace(self.guide, values, lambda site, _: self.centre(site)).latents

    def centre(self, site, error=not_normal):
        """The mean or the most probable value of a latent."""
        distribution = site["fn"]
        if distribution.support.is_discrete:
            return most_probable(distribution)
        if self.is_point(distribution):
            return self.point_of(distribution)
        return normal_parameters(site["name"], distribution, error)[0]

    def over_classes(self, function):
        """``function({site: (B,)}, e)`` for each value e of the classes together, in a list."""
        latents = self.trace(self.guide, {}).latents
        discrete = {n: s["fn"] for n, s in latents.items() if is_class(s["fn"])}
        classes = product(*(fn.enumerate_support(expand=False).ravel() for fn in discrete.values()))
        return [
            function({n: v.expand(fn.batch_shape) for (n, fn), v in zip(discrete.items(), values, strict=True)}, e)
            for e, values in enumerate(classes)
        ]

    def normals(self):
        """Mean and sd of each continuous latent in the guide for each value of the discrete ones, (E, B, ...)."""

        def normals(values, e):
            return {n: normal_parameters(n, s["fn"]) for n, s in self.centres(values).items() if n not in values}

        classes = self.over_classes(normals)
        return {n: tuple(torch.stack([c[n][i] for c in classes]) for i in (0, 1)) for n in classes[0]}

    def terms_of_classes(self, normals):
        """``DrawTerms`` of K draws of the other latents for each value of the classes, (K, E, B)."""

        def terms(values, e):
            run = self.trace(self.guide, values, sample_shape=self.sample_shape)
            if normals:
                run = self.replace_draws(run, {n: (mean[e], sd[e]) for n, (mean, sd) in normals.items()})
            return self.terms(run, values)

        classes = self.over_classes(terms)
        kl = {n: torch.stack([c.kl[n] for c in classes], 1) for n in classes[0].kl}
        sums = {n: torch.stack([getattr(c, n) for c in classes], 1) for n in DrawTerms._fields if n != "kl"}
        return DrawTerms(kl=kl, **sums)

    def replace_draws(self, run, normals):
        """The run with draws from ``normals`` in place of those of the guide."""
        sites = dict(run.sites)
        for name, parameters in normals.items():
            distribution = Normal(*parameters).to_event(parameters[0].ndim - 1)
            value = distribution.rsample(self.sample_shape)
            sites[name] = {**sites[name], "fn": distribution, "value": value}
        return Run(sites, run.plate)

    def kl_of_normals(self, q, p):
        q, p = without_events(q), without_events(p)
        if not (isinstance(q, Normal) and isinstance(p, Normal)):
            raise NotImplementedError
        return kl_divergence(q, p)


@contextmanager
def seeded(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def normals_to_backend(normals):
    return normals and {n: tuple(to_backend({"mean": mean, "sd": sd}).values()) for n, (mean, sd) in normals.items()}


def array(value):
    return value.detach().cpu().numpy()


def probabilities(distribution):
    """The probability of each value, last, for each row, or each entry of a vector of discrete values."""
    if isinstance(distribution, Independent):
        distribution = distribution.base_dist
    return distribution.log_prob(distribution.enumerate_support()).exp().movedim(0, -1)


def most_probable(distribution):
    """The most probable value of each row, or of each entry of a vector of discrete values."""
    p = probabilities(distribution)
    return one_hot(p.argmax(-1), p.shape[-1]).to(p) if kind_of(distribution) == "one_hot" else p.argmax(-1)


def normal_parameters(name, distribution, error=not_normal):
    """Mean and sd of each number, where they are normal; else raises ``error(name, name of the distribution)``."""
    base = without_events(distribution)
    if not isinstance(base, Normal | MultivariateNormal):
        raise error(name, type(base).__name__)
    return tuple(v.expand(distribution.shape()) for v in (base.mean, base.variance**0.5))


def without_events(distribution):
    while isinstance(distribution, Independent):
        distribution = distribution.base_dist
    return distribution


def mean(distribution):
    return without_events(distribution).probs if kind_of(distribution) == "category" else distribution.mean
