from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn import logsumexp, one_hot
from numpyro import handlers
from numpyro.distributions import ExpandedDistribution, Independent, MultivariateNormal, Normal, kl_divergence

from inference.amortised import draws
from inference.amortised.draws import LEARNING_RATE, is_class, no_temperature, not_normal
from inference.amortised.records import Code, ElboTerms
from inference.objectives.runs.in_numpyro import UNUSED_KEY, TracedPair, traced
from inference.objectives.sites import Run, draw_site
from zoo._backend.in_numpyro import kind_of, to_backend


def compiled(*static):
    return partial(jax.jit, static_argnames=("pair", "plain", *static))


class AmortisedKernels:
    def __init__(self, program, guide, keywords, state):
        self.pair, self.state = (program, guide), to_backend(state)
        # arrays are arguments of what is compiled and all else is part of it, which then serves every fit
        self.arrays = to_backend({n: v for n, v in keywords.items() if isinstance(v, np.ndarray)})
        self.plain = tuple(sorted((n, v) for n, v in keywords.items() if not isinstance(v, np.ndarray)))

    def call(self, function, table, *arguments, **static):
        plain = (*self.plain, ("N", len(next(iter(table.values())))))
        inputs = self.pair, plain, self.state, self.arrays, to_backend(table)
        return jax.device_get(function(*inputs, *arguments, **static))

    def encode(self, table):
        codes = self.call(encode, table)
        return {n: Code(*v) if isinstance(v, tuple) else v for n, v in codes.items()}

    def decode(self, latents, seed):
        return self.call(decode, latents, jax.random.PRNGKey(seed or 0), is_drawn=seed is not None)

    def draw_prior(self, latents, names, codes, fixed, N, temperature, seed):
        inputs = self.pair, (*self.plain, ("N", N)), self.state, self.arrays, to_backend(latents)
        values = {n: (v, fixed[n]) for n, v in to_backend(codes).items()}
        kind = {"names": names, "is_mean": not temperature, "is_plain": temperature == 1}
        key, spread = jax.random.PRNGKey(seed), jnp.asarray(temperature, float)
        return jax.device_get(draw_prior(*inputs, values, key, spread, **kind))

    def log_weights(self, table, K, seed, normals):
        return self.call(log_weights, table, jax.random.PRNGKey(seed), normals_to_backend(normals), K=K)

    def elbo_terms(self, table, K, seed, normals):
        return ElboTerms(*self.call(elbo_terms, table, jax.random.PRNGKey(seed), normals_to_backend(normals), K=K))

    def refine(self, table, steps, K, seed):
        return self.call(refine, table, jax.random.PRNGKey(seed), steps=steps, K=K)


def normals_to_backend(normals):
    return normals and {n: tuple(to_backend({"mean": mean, "sd": sd}).values()) for n, (mean, sd) in normals.items()}


@compiled()
def encode(pair, plain, state, arrays, table):
    rows, codes = RowDraws(pair, plain, state, arrays, table), {}
    latents = rows.centres({})
    points = rows.discrete_points(latents)
    for name, site in latents.items():
        distribution = site["fn"]
        if name in points:
            codes[name] = one_hot(site["value"], points[name])
        else:
            is_discrete = distribution.is_discrete
            codes[name] = probabilities(distribution) if is_discrete else normal_parameters(name, distribution)
    return codes


@compiled("is_drawn")
def decode(pair, plain, state, arrays, latents, key, is_drawn):
    sites = RowDraws(pair, plain, state, arrays, {}).trace(pair[0], latents, key).sites
    observed = {n: s for n, s in sites.items() if n not in latents}
    return {n: s["value"] if is_drawn else mean(s["fn"]) for n, s in observed.items()}


@compiled("names", "is_mean", "is_plain")
def draw_prior(pair, plain, state, arrays, latents, values, key, temperature, names, is_mean, is_plain):
    rows = RowDraws(pair, plain, state, arrays, {})

    def draw(site):
        if is_mean:
            return rows.centre(site, no_temperature)
        value = site["fn"].sample(site["kwargs"]["rng_key"])
        if is_plain:
            return value
        mean, _ = normal_parameters(site["name"], site["fn"], no_temperature)
        return mean + temperature * (value - mean)

    def value(site, _):
        name = site["name"]
        if name not in names:
            return None
        # whether a value is fixed is no part of what is compiled, which then serves every choice of groups
        return jnp.where(values[name][1], values[name][0], draw(site)) if name in values else draw(site)

    sites = rows.trace(pair[0], latents, key, value).sites
    return {n: sites[n]["value"] for n in names}


@compiled("K")
def log_weights(pair, plain, state, arrays, table, key, normals, K):
    terms = RowDraws(pair, plain, state, arrays, table, K).terms_of_classes(key, normals)
    return logsumexp(terms.log_weights, axis=1)


@compiled("K")
def elbo_terms(pair, plain, state, arrays, table, key, normals, K):
    terms = RowDraws(pair, plain, state, arrays, table, K).terms_of_classes(key, normals)
    kl = {n: v.mean(0) for n, v in terms.kl.items()}
    return terms.likelihood.mean(0), kl, terms.elbo.std(0, ddof=1), terms.prior[0], terms.guide[0]


@compiled("steps", "K")
def refine(pair, plain, state, arrays, table, key, steps, K):
    rows = RowDraws(pair, plain, state, arrays, table, K)
    start = rows.over_classes(rows.normals)
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps))

    def normals(moved):  # in standard deviations of the start
        return {n: (start[n][0] + start[n][1] * by, start[n][1] * jnp.exp(wider)) for n, (by, wider) in moved.items()}

    def loss(moved, key):
        return -rows.terms_of_classes(key, normals(moved)).elbo.mean(0).sum()

    def step(carry, key):
        moved, moments = carry
        change, moments = optimiser.update(jax.grad(loss)(moved, key), moments)
        return (optax.apply_updates(moved, change), moments), None

    moved = jax.tree.map(jnp.zeros_like, start)
    (moved, _), _ = jax.lax.scan(step, (moved, optimiser.init(moved)), jax.random.split(key, steps))
    return normals(moved)


class RowDraws(TracedPair, draws.RowDraws):
    def __init__(self, pair, plain, state, arrays, table, K=None):
        program, guide = pair
        self.params = state
        # one run for all draws is compiled in half the time
        super().__init__(program, guide, {**arrays, **dict(plain), **table}, (K,) if K else ())

    def trace(self, program, values, key=UNUSED_KEY, fill=draw_site, sample_shape=()):
        seeded = handlers.seed(program, key)  # with a key for every site, those in ``values`` included
        return traced(seeded, {**self.params, **values}, UNUSED_KEY, self.inputs, fill, sample_shape)

    def centres(self, values):
        """The guide's latents, those not in ``values`` at the mean or the most probable value."""
        return self.trace(self.guide, values, fill=lambda site, _: self.centre(site)).latents

    def centre(self, site, error=not_normal):
        """The mean or the most probable value of a latent."""
        distribution = site["fn"]
        if distribution.is_discrete:
            return most_probable(distribution)
        if self.is_point(distribution):
            return self.point_of(distribution)
        return normal_parameters(site["name"], distribution, error)[0]

    def over_classes(self, function, axis=0):
        """``function({site: (B,)}, e)`` for each value e of the classes together, along an axis."""
        latents = self.trace(self.guide, {}).latents
        discrete = {n: s["fn"] for n, s in latents.items() if is_class(s["fn"])}
        support = (distribution.enumerate_support(expand=False).ravel() for distribution in discrete.values())
        grid = jnp.meshgrid(*support, indexing="ij")
        classes = {n: v.ravel() for n, v in zip(discrete, grid, strict=True)}

        def at(e):
            return function({n: jnp.broadcast_to(v[e], discrete[n].batch_shape) for n, v in classes.items()}, e)

        return jax.vmap(at, out_axes=axis)(jnp.arange(grid[0].size if grid else 1))

    def normals(self, values, e=0):
        return {n: normal_parameters(n, s["fn"]) for n, s in self.centres(values).items() if n not in values}

    def terms_of_classes(self, key, normals):
        """``DrawTerms`` of K draws of the other latents for each value of the classes, (K, E, B)."""

        def terms(values, e):
            run = self.trace(self.guide, values, key, sample_shape=self.sample_shape)
            if normals:
                run = self.replace_draws(run, jax.tree.map(lambda v: v[e], normals), key)
            return self.terms(run, values)

        return self.over_classes(terms, axis=1)

    def replace_draws(self, run, normals, key):
        """The run with draws from ``normals`` in place of those of the guide."""
        sites = dict(run.sites)
        keys = jax.random.split(key, len(normals))
        for site_key, (name, parameters) in zip(keys, normals.items(), strict=True):
            distribution = Normal(*parameters).to_event(parameters[0].ndim - 1)
            value = distribution.sample(site_key, self.sample_shape)
            sites[name] = {**sites[name], "fn": distribution, "value": value, "intermediates": []}
        return Run(sites, run.plate)

    def kl_of_normals(self, q, p):
        q, p = without_events(q), without_events(p)
        if not (isinstance(q, Normal) and isinstance(p, Normal)):
            raise NotImplementedError
        return kl_divergence(q, p)


def probabilities(distribution):
    """The probability of each value, last, for each row, or each entry of a vector of discrete values."""
    if isinstance(distribution, Independent):
        distribution = distribution.base_dist
    return jnp.exp(jnp.moveaxis(distribution.log_prob(distribution.enumerate_support()), 0, -1))


def most_probable(distribution):
    """The most probable value of each row, or of each entry of a vector of discrete values."""
    p = probabilities(distribution)
    return one_hot(p.argmax(-1), p.shape[-1]) if kind_of(distribution) == "one_hot" else p.argmax(-1)


def normal_parameters(name, distribution, error=not_normal):
    """Mean and sd of each number, where they are normal; else raises ``error(name, name of the distribution)``."""
    base = without_events(distribution)
    if not isinstance(base, Normal | MultivariateNormal):
        raise error(name, type(base).__name__)
    return tuple(jnp.broadcast_to(v, distribution.shape()) for v in (base.mean, base.variance**0.5))


def without_events(distribution):
    while isinstance(distribution, Independent | ExpandedDistribution):
        distribution = distribution.base_dist
    return distribution


def mean(distribution):
    return without_events(distribution).probs if kind_of(distribution) == "category" else distribution.mean
