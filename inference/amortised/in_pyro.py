from contextlib import contextmanager, nullcontext
from itertools import product

import pyro
import torch
from pyro import poutine
from pyro.distributions import Independent, Normal
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample
from torch.distributions import kl_divergence

from inference.amortised.answers import RATE, Code, Parts, Terms, not_normal, outside
from inference.objectives.refusals import with_formula
from zoo._backend.in_pyro import Learned, kind_of, sample_nodes, to_backend, to_numpy


class AmortisedKernels:
    def __init__(self, program, guide, keywords, state):
        self.both, self.keywords, self.state = (program, guide), to_backend(keywords), to_backend(state)

    def rows(self, table):
        return Rows(self.both, self.state, {**self.keywords, "N": len(next(iter(table.values()))), **to_backend(table)})

    @torch.no_grad()
    def encoded(self, table):
        found = {}
        for name, site in self.rows(table).centres({}).items():
            law = site["fn"]
            discrete = law.support.is_discrete
            found[name] = out(probabilities(law)) if discrete else Code(*map(out, normal(name, law)))
        return found

    @torch.no_grad()
    def decoded(self, latents, seed):
        given = to_backend(latents)
        with seeded(seed or 0):
            nodes = Rows(self.both, self.state, {**self.keywords, "N": len(next(iter(given.values())))}).program(given)
        observed = {n: s for n, s in nodes.items() if n not in latents}
        return to_numpy({n: mean(s["fn"]) if seed is None else s["value"] for n, s in observed.items()})

    @torch.no_grad()
    def weighed(self, table, K, seed, q):
        with seeded(seed):
            terms = self.rows(table).terms(K, carried(q))
        return out(torch.logsumexp(terms.likelihood + terms.prior - terms.ratio, 1))

    @torch.no_grad()
    def parts(self, table, K, seed, q):
        with seeded(seed):
            terms = self.rows(table).terms(K, carried(q))
        kl = to_numpy({n: v.mean(0) for n, v in terms.kl.items()})
        sd = out(gain(terms).std(0))
        return Parts(out(terms.likelihood.mean(0)), kl, sd, out(terms.prior[0]), out(terms.guide[0]))

    def refined(self, table, steps, K, seed):
        rows = self.rows(table)
        with torch.no_grad():
            begun = rows.normals()
        moved = {
            n: (torch.zeros_like(m).requires_grad_(), torch.zeros_like(m).requires_grad_())
            for n, (m, _) in begun.items()
        }
        optimiser = torch.optim.Adam([v for both in moved.values() for v in both], RATE)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

        def normals():  # counted in widths of what they begin at
            return {n: (begun[n][0] + begun[n][1] * by, begun[n][1] * wider.exp()) for n, (by, wider) in moved.items()}

        with seeded(seed):
            for _ in range(steps):
                optimiser.zero_grad()
                (-gain(rows.terms(K, normals())).mean(0).sum()).backward()
                optimiser.step()
                rate.step()
        return {n: (out(mean), out(sd)) for n, (mean, sd) in normals().items()}


def gain(terms):
    """log p(x | y, z) less the KL of all continuous latents."""
    return terms.likelihood - sum(kl.flatten(3).sum(-1) if kl.ndim > 3 else kl for kl in terms.kl.values())


class Rows:
    """Program and guide at what was learned, before a block of rows."""

    def __init__(self, both, state, inputs):
        self.both, self.state, self.inputs = both, state, inputs

    def program(self, values):
        return self.sites(self.both[0], values)

    def guide(self, values, K=None):
        with pyro.plate("_draws", K, dim=-2) if K else nullcontext():
            return {n: s for n, s in self.sites(self.both[1], values).items() if not s["is_observed"]}

    def sites(self, program, values):
        return sample_nodes(poutine.trace(Given({**self.state, **values})(program)).get_trace(**self.inputs).nodes)

    def centres(self, values):
        """The guide's sites, those without a value at the mean or the most probable value of their law."""
        with Centres():
            return self.guide(values)

    def for_each(self, question):
        """The answers for each value of the discrete latents together, of ``question({site: (B,)}, e)``."""
        laws = {n: s["fn"] for n, s in self.guide({}).items() if s["fn"].support.is_discrete}
        each = product(*(law.enumerate_support(expand=False).ravel() for law in laws.values()))
        for e, values in enumerate(each):
            yield question({n: v.expand(law.batch_shape) for (n, law), v in zip(laws.items(), values, strict=True)}, e)

    def normals(self):
        """Mean and sd of each continuous latent in the guide for each value of the discrete ones, (E, B, ...)."""

        def one(values, e):
            return {n: normal(n, s["fn"]) for n, s in self.centres(values).items() if n not in values}

        found = list(self.for_each(one))
        return {n: tuple(torch.stack([f[n][i] for f in found]) for i in (0, 1)) for n in found[0]}

    def terms(self, K, q):
        """Terms of K draws of the continuous latents for each value of the discrete ones, (K, E, B)."""

        def one(values, e):
            return self.term(K, values, q and {n: (mean[e], sd[e]) for n, (mean, sd) in q.items()})

        found = list(self.for_each(one))
        kl = {n: torch.stack([t.kl[n] for t in found], 1) for n in found[0].kl}
        return Terms(kl=kl, **{n: torch.stack([getattr(t, n) for t in found], 1) for n in Terms._fields if n != "kl"})

    def term(self, K, values, q):
        sites = self.guide(values, K)
        laws = {n: s["fn"] for n, s in sites.items() if n not in values}
        drawn = {n: sites[n]["value"] for n in laws}
        if q:
            laws = {n: Normal(*law).to_event(law[0].ndim - 1) for n, law in q.items()}
            drawn = {n: law.rsample((K,)) for n, law in laws.items()}
        B = self.inputs["N"]
        nodes = self.program({**values, **drawn})
        formula = with_formula([n for n in nodes if n in sites], list(sites))
        log_p = {n: per_row(s, s["fn"].log_prob(s["value"]), K, B) for n, s in nodes.items()}
        log_q = {n: per_row(s, laws.get(n, s["fn"]).log_prob({**values, **drawn}[n]), K, B) for n, s in sites.items()}
        ratio = {n: log_q[n] - log_p[n] for n in laws}
        kl = {n: divergence(law, nodes[n]["fn"], ratio[n], n in formula, drawn[n]) for n, law in laws.items()}
        none = torch.zeros(K, B)
        return Terms(
            sum((v for n, v in log_p.items() if n not in sites), none),
            sum(ratio.values(), none),
            kl,
            sum((log_p[n] for n in values), none),
            sum((log_q[n] for n in values), none),
        )


class Given(Learned):
    """Gives sample statements values too, without a word of their being observed."""

    def _pyro_sample(self, msg):
        self._pyro_param(msg)


class Centres(Messenger):
    def _pyro_sample(self, msg):
        law = msg["fn"]
        if msg["done"] or msg["is_observed"] or isinstance(law, _Subsample):
            return
        discrete = law.support.is_discrete
        msg["value"] = probabilities(law).argmax(-1) if discrete else normal(msg["name"], law)[0]
        msg["done"] = True


@contextmanager
def seeded(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def carried(q):
    return q and {n: tuple(to_backend({"mean": mean, "sd": sd}).values()) for n, (mean, sd) in q.items()}


def out(value):
    return value.detach().cpu().numpy()


def per_row(site, log_prob, K, B):
    """(K, B): summed over every plate but that of the rows."""
    frames = {f.name: f.dim for f in site["cond_indep_stack"]}
    if "N" not in frames:
        raise outside(site["name"])
    others = [dim for name, dim in frames.items() if name not in ("N", "_draws")]
    return (log_prob.sum(others, keepdim=True) if others else log_prob).reshape(-1, B).expand(K, B)


def probabilities(law):
    """Of each value, last, for each row."""
    return law.log_prob(law.enumerate_support()).exp().movedim(0, -1)


def normal(name, law):
    """Mean and sd of independent normal numbers; raises ZooError where they are not that."""
    found = peeled(law)
    if not isinstance(found, Normal):
        raise not_normal(name, type(found).__name__)
    return tuple(v.expand(law.shape()) for v in (found.loc, found.scale))


def peeled(law):
    while isinstance(law, Independent):
        law = law.base_dist
    return law


def divergence(q, p, ratio, formula, drawn):
    """KL(q || p) of each number where both are normal and no draw comes between them, else the draw's own ratio."""
    a, b = peeled(q), peeled(p)
    if not (formula and isinstance(a, Normal) and isinstance(b, Normal)):
        return ratio
    return kl_divergence(a, b).expand(drawn.shape)


def mean(law):
    return law.probs if kind_of(law) == "category" else law.mean
