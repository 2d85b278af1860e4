from contextlib import nullcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn import logsumexp
from numpyro import handlers, plate
from numpyro.distributions import ExpandedDistribution, Independent, Normal, kl_divergence

from inference.amortised.answers import RATE, Code, Parts, Terms, not_normal, outside
from inference.objectives.refusals import with_formula
from zoo._backend.in_numpyro import kind_of, to_backend

NEVER = jax.random.PRNGKey(0)  # where every site has its value, the seed is not used


def compiled(*static):
    return partial(jax.jit, static_argnames=("both", "plain", *static))


class AmortisedKernels:
    def __init__(self, program, guide, keywords, state):
        self.both, self.state = (program, guide), to_backend(state)
        # arrays are arguments of what is compiled and all else is part of it, which then serves every fit
        self.arrays = to_backend({n: v for n, v in keywords.items() if isinstance(v, np.ndarray)})
        self.plain = tuple(sorted((n, v) for n, v in keywords.items() if not isinstance(v, np.ndarray)))

    def ask(self, question, table, *given, **static):
        plain = (*self.plain, ("N", len(next(iter(table.values())))))
        return jax.device_get(question(self.both, plain, self.state, self.arrays, to_backend(table), *given, **static))

    def encoded(self, table):
        found = self.ask(encoded, table)
        return {n: Code(*v) if isinstance(v, tuple) else v for n, v in found.items()}

    def decoded(self, latents, seed):
        return self.ask(decoded, latents, jax.random.PRNGKey(seed or 0), drawn=seed is not None)

    def weighed(self, table, K, seed, q):
        return self.ask(weighed, table, jax.random.PRNGKey(seed), carried(q), K=K)

    def parts(self, table, K, seed, q):
        return Parts(*self.ask(parts, table, jax.random.PRNGKey(seed), carried(q), K=K))

    def refined(self, table, steps, K, seed):
        return self.ask(refined, table, jax.random.PRNGKey(seed), steps=steps, K=K)


def carried(q):
    return q and {n: tuple(to_backend({"mean": mean, "sd": sd}).values()) for n, (mean, sd) in q.items()}


@compiled()
def encoded(both, plain, state, arrays, table):
    found = {}
    for name, site in Rows(both, plain, state, arrays, table).centres({}).items():
        law = site["fn"]
        found[name] = probabilities(law) if law.is_discrete else normal(name, law)
    return found


@compiled("drawn")
def decoded(both, plain, state, arrays, latents, key, drawn):
    nodes = Rows(both, plain, state, arrays, {}).program(latents, key)
    observed = {n: s for n, s in nodes.items() if n not in latents}
    return {n: s["value"] if drawn else mean(s["fn"]) for n, s in observed.items()}


@compiled("K")
def weighed(both, plain, state, arrays, table, key, q, K):
    terms = Rows(both, plain, state, arrays, table).terms(key, K, q)
    return logsumexp(terms.likelihood + terms.prior - terms.ratio, axis=1)


@compiled("K")
def parts(both, plain, state, arrays, table, key, q, K):
    terms = Rows(both, plain, state, arrays, table).terms(key, K, q)
    kl = {n: v.mean(0) for n, v in terms.kl.items()}
    return terms.likelihood.mean(0), kl, gain(terms).std(0, ddof=1), terms.prior[0], terms.guide[0]


@compiled("steps", "K")
def refined(both, plain, state, arrays, table, key, steps, K):
    rows = Rows(both, plain, state, arrays, table)
    begun = rows.for_each(rows.normals)
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, steps))

    def at(moved):  # counted in widths of what they begin at
        return {n: (begun[n][0] + begun[n][1] * by, begun[n][1] * jnp.exp(wider)) for n, (by, wider) in moved.items()}

    def loss(moved, key):
        return -gain(rows.terms(key, K, at(moved))).mean(0).sum()

    def step(carry, key):
        moved, moments = carry
        change, moments = optimiser.update(jax.grad(loss)(moved, key), moments)
        return (optax.apply_updates(moved, change), moments), None

    moved = jax.tree.map(jnp.zeros_like, begun)
    (moved, _), _ = jax.lax.scan(step, (moved, optimiser.init(moved)), jax.random.split(key, steps))
    return at(moved)


def gain(terms):
    """log p(x | y, z) less the KL of all continuous latents."""
    return terms.likelihood - sum(kl.sum(range(3, kl.ndim)) for kl in terms.kl.values())


class Rows:
    """Program and guide at what was learned, before a block of rows."""

    def __init__(self, both, plain, state, arrays, table):
        self.both, self.state, self.inputs = both, state, {**arrays, **dict(plain), **table}

    def program(self, values, key=NEVER):
        return self.sites(self.both[0], values, key)

    def guide(self, values, key=NEVER, K=None):
        with plate("_draws", K, dim=-2) if K else nullcontext():  # one call for all draws is compiled in half the time
            return {n: s for n, s in self.sites(self.both[1], values, key).items() if not s["is_observed"]}

    def sites(self, program, values, key):
        at = handlers.substitute(handlers.seed(program, key), data={**self.state, **values})
        return {n: s for n, s in handlers.trace(at).get_trace(**self.inputs).items() if s["type"] == "sample"}

    def centres(self, values):
        """The guide's sites, those without a value at the mean or the most probable value of their law."""

        def centre(site):
            if site["type"] != "sample" or site["is_observed"] or site["name"] in values:
                return None
            law = site["fn"]
            return probabilities(law).argmax(-1) if law.is_discrete else normal(site["name"], law)[0]

        with handlers.substitute(substitute_fn=centre):
            return self.guide(values)

    def for_each(self, question, axis=0):
        """The answers for each value of the discrete latents together of ``question({site: (B,)}, e)``."""
        laws = {n: s["fn"] for n, s in self.guide({}).items() if s["fn"].is_discrete}
        grid = jnp.meshgrid(*(law.enumerate_support(expand=False).ravel() for law in laws.values()), indexing="ij")
        each = {n: v.ravel() for n, v in zip(laws, grid, strict=True)}

        def one(e):
            return question({n: jnp.broadcast_to(v[e], laws[n].batch_shape) for n, v in each.items()}, e)

        return jax.vmap(one, out_axes=axis)(jnp.arange(grid[0].size if grid else 1))

    def normals(self, values, e=0):
        return {n: normal(n, s["fn"]) for n, s in self.centres(values).items() if n not in values}

    def terms(self, key, K, q):
        """Terms of K draws of the continuous latents for each value of the discrete ones, (K, E, B)."""

        def one(values, e):
            return self.term(key, K, values, q and jax.tree.map(lambda v: v[e], q))

        return self.for_each(one, axis=1)

    def term(self, key, K, values, q):
        sites = self.guide(values, key, K)
        laws = {n: s["fn"] for n, s in sites.items() if n not in values}
        drawn = {n: sites[n]["value"] for n in laws}
        if q:
            laws = {n: Normal(*law).to_event(law[0].ndim - 1) for n, law in q.items()}
            keys = jax.random.split(key, len(laws))
            drawn = {n: law.sample(k, (K,)) for k, (n, law) in zip(keys, laws.items(), strict=True)}
        B = self.inputs["N"]
        nodes = self.program({**values, **drawn})
        formula = with_formula([n for n in nodes if n in sites], list(sites))
        log_p = {n: per_row(s, s["fn"].log_prob(s["value"]), K, B) for n, s in nodes.items()}
        log_q = {
            n: per_row(sites[n], laws.get(n, sites[n]["fn"]).log_prob({**values, **drawn}[n]), K, B) for n in sites
        }
        ratio = {n: log_q[n] - log_p[n] for n in laws}
        kl = {n: divergence(law, nodes[n]["fn"], ratio[n], n in formula, drawn[n]) for n, law in laws.items()}
        none = jnp.zeros((K, B))
        return Terms(
            sum((v for n, v in log_p.items() if n not in sites), none),
            sum(ratio.values(), none),
            kl,
            sum((log_p[n] for n in values), none),
            sum((log_q[n] for n in values), none),
        )


def per_row(site, log_prob, K, B):
    """(K, B): summed over every plate but that of the rows."""
    frames = {f.name: f.dim for f in site["cond_indep_stack"]}
    if "N" not in frames:
        raise outside(site["name"])
    others = tuple(dim for name, dim in frames.items() if name not in ("N", "_draws"))
    return jnp.broadcast_to(log_prob.sum(others, keepdims=True).reshape(-1, B), (K, B))


def probabilities(law):
    """Of each value, last, for each row."""
    return jnp.exp(jnp.moveaxis(law.log_prob(law.enumerate_support()), 0, -1))


def normal(name, law):
    """Mean and sd of independent normal numbers; raises ZooError where they are not that."""
    found = peeled(law)
    if not isinstance(found, Normal):
        raise not_normal(name, type(found).__name__)
    return tuple(jnp.broadcast_to(v, law.shape()) for v in (found.loc, found.scale))


def peeled(law):
    while isinstance(law, Independent | ExpandedDistribution):
        law = law.base_dist
    return law


def divergence(q, p, ratio, formula, drawn):
    """KL(q || p) of each number where both are normal and no draw comes between them, else the draw's own ratio."""
    a, b = peeled(q), peeled(p)
    if not (formula and isinstance(a, Normal) and isinstance(b, Normal)):
        return ratio
    return jnp.broadcast_to(kl_divergence(a, b), drawn.shape)


def mean(law):
    return law.probs if kind_of(law) == "category" else law.mean
