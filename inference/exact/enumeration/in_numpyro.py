from copy import copy

import jax
import jax.numpy as jnp
import numpyro
from jax.core import Tracer
from numpyro import handlers
from numpyro.primitives import Messenger

from inference.exact.enumeration.elimination import Factor, Plate, Variable, by_row, eliminate, total
from zoo.errors import ZooError

NEVER = jax.random.PRNGKey(0)  # where every site has its value, the seed is not used


def logsumexp(array, dim):
    return jax.nn.logsumexp(array, axis=dim, keepdims=True)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and keeps the sites that depend on one."""

    def __init__(self, program, plate_depth):
        self.plate_depth = plate_depth
        super().__init__(program)

    def __enter__(self):
        self.sites, self.variables = [], []
        return super().__enter__()

    def process_message(self, msg):
        if msg["type"] != "sample":
            return
        latent = not msg["is_observed"]
        if latent and msg["fn"].is_discrete:
            if not msg["fn"].has_enumerate_support:
                raise ZooError(f"{msg['name']} has endlessly many values and cannot be summed out; bound it")
            dim = -self.plate_depth - 1 - len(self.variables)
            values = msg["fn"].enumerate_support(expand=False)
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            self.variables.append(Variable(msg["name"], dim, len(values), plates(msg)))
        elif len(msg["fn"].batch_shape) <= self.plate_depth:
            return  # as in the program
        elif latent:
            raise ZooError(
                f"{msg['name']} is continuous and depends on a discrete site: it cannot be shared by the sum"
            )
        self.sites.append(msg)
        msg["stop"] = True


def plates(msg):
    return frozenset(Plate(f.name, f.dim) for f in msg.get("cond_indep_stack", ()))


def plate_depth(program, *args, **keywords):
    """How many dimensions from the right belong to plates: enumeration starts to their left."""
    depth = []

    def run():
        with handlers.block():
            nodes = handlers.trace(handlers.seed(program, NEVER)).get_trace(*args, **keywords)
        depth.append(max((-f.dim for s in nodes.values() for f in s.get("cond_indep_stack", ())), default=0))

    jax.eval_shape(run)  # shapes alone: nothing is computed, and so nothing compiled
    return depth[0]


def marginalize(program):
    """The same joint over the other sites, an ordinary program: its discrete sites become one factor."""

    depth = []  # of the plates, found on the first call

    def without_discrete(*args, **keywords):
        if not depth:
            depth.append(plate_depth(program, *args, **keywords))
        enumerated = Enumerate(program, depth[0])
        enumerated(*args, **keywords)
        if not enumerated.sites:
            return
        factors = [Factor(s["fn"].log_prob(s["value"]), plates(s)) for s in enumerated.sites]
        scale = one_scale(enumerated.sites)
        left = eliminate(factors, enumerated.variables, logsumexp)
        numpyro.factor("summed", scale * sum(f.log.sum() for f in left))

    without_discrete.__name__ = getattr(program, "__name__", "program")
    return without_discrete


def one_scale(sites):
    scales = {float(s["scale"] or 1.0) for s in sites}
    if len(scales) > 1:
        raise ZooError("sites that share a discrete latent are subsampled differently: put them in one plate")
    return scales.pop()


class EnumeratedDensity:
    """The factors of a program, at parameters: what is asked of its discrete latents is read off them."""

    def __init__(self, program, keywords, data):
        self.program, self.keywords, self.data = program, keywords, data
        # what does not depend on the rows is learned from a program with one
        N = keywords.get("N")
        row = {n: v[:1] if N and len(v) == N else v for n, v in data.items()}
        self.small = {**row, **keywords, "N": 1} if N else {**row, **keywords}
        self.depth = plate_depth(program, **self.small)
        found = []

        def run():
            inner = handlers.trace(program)
            enumerated = Enumerate(inner, self.depth)
            with handlers.block():
                handlers.seed(enumerated, NEVER)(**self.small)
            latent = {n: s for n, s in inner.trace.items() if s["type"] == "sample" and not s["is_observed"]}
            discrete = {v.name for v in enumerated.variables}
            found.append((enumerated.variables, {n: s["fn"].support for n, s in latent.items() if n not in discrete}))
            return {n: s["value"] for n, s in latent.items() if n not in discrete}

        shapes = jax.eval_shape(run)  # shapes alone: nothing is computed, and so nothing compiled
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(found[0][1])):
            run()  # a support that depends on values needs the values
        self.variables, self.supports = found[-1]
        self.shapes = {n: shapes[n].shape for n in self.supports}

    def prior_draws(self, count):
        """``{site: (count, ...)}`` of every continuous latent, from a program with one row."""

        def one(key):
            with handlers.block():
                nodes = handlers.trace(handlers.seed(self.program, key)).get_trace(**self.small)
            return {n: nodes[n]["value"] for n in self.supports}

        return jax.jit(jax.vmap(one))(jax.random.split(NEVER, count))

    @property
    def has_one_label_per_row(self):
        """Whether the only discrete site is one label for each row."""
        return len(self.variables) == 1 and {p.name for p in self.variables[0].plates} == {"N"}

    def log_prior(self, params):
        """log p(params), of the global latents given."""
        at = handlers.substitute(handlers.seed(self.program, NEVER), data=params)
        with handlers.block():
            nodes = handlers.trace(at).get_trace(**self.small)
        return sum(nodes[n]["fn"].log_prob(nodes[n]["value"]).sum() for n in params)

    def factors(self, params):
        """Every site at ``params``, as ``({name: Factor}, variables, the dimension of the plate N)``.

        The sites are those of the rows (observed or discrete); the priors of ``params`` are not among them.
        """
        inner = handlers.trace(handlers.substitute(self.program, data=params))
        enumerated = Enumerate(inner, self.depth)
        with handlers.block():
            handlers.seed(enumerated, NEVER)(**self.data, **self.keywords)
        rows = next((p for s in inner.trace.values() for p in plates(s) if p.name == "N"), None)
        counted = {}
        for name, site in inner.trace.items():
            discrete = name in {v.name for v in enumerated.variables}
            if site["type"] != "sample" or not (site["is_observed"] or discrete):
                if site["type"] == "sample" and rows in plates(site):
                    raise ZooError(
                        f"{name} is a continuous latent of each row: only its marginal (collapsed) has an exact sum"
                    )
                continue
            counted[name] = Factor(site["fn"].log_prob(site["value"]), plates(site))
        return counted, enumerated.variables, rows

    def left(self, factors, variables):
        """The factors over plates alone that remain when every discrete site is summed out."""
        return eliminate(list(factors.values()), variables, logsumexp)

    def total(self, factors, variables, rows, weights=None):
        return total(self.left(factors, variables), rows, weights)

    def posterior(self, params, weights=None):
        """``{site: p(the values its factor joins | x)}``: the gradient of the total with respect to added zeros."""
        factors, variables, rows = self.factors(params)

        def moved(zeros):
            return self.total(
                {n: f._replace(log=f.log + zeros[n]) for n, f in factors.items()}, variables, rows, weights
            )

        joint, each = jax.grad(moved, has_aux=True)({n: jnp.zeros_like(f.log) for n, f in factors.items()})
        return joint, each

    def over(self, draws, question):
        """``question(sum, draw)`` for every draw; arrays are arguments of what is compiled, and not part of it."""
        inputs = {**self.data, **self.keywords}

        def each(arrays, draws):
            there = copy(self)
            there.data, there.keywords = (
                {n: arrays.get(n, v) for n, v in d.items()} for d in (self.data, self.keywords)
            )
            return jax.lax.map(lambda draw: question(there, draw), draws)

        return jax.jit(each)({n: v for n, v in inputs.items() if isinstance(v, jax.Array)}, draws)

    def log_marginal(self, draws):
        def one(there, params):
            factors, variables, rows = there.factors(params)
            return by_row(there.left(factors, variables), rows)

        return self.over(draws, one)

    def responsibilities(self, draws):
        def one(there, params):
            joint, _ = there.posterior(params)
            return {v.name: values_last(joint[v.name], v, there.variables) for v in there.variables}

        return self.over(draws, one)

    def sampled(self, draws, seed):
        def one(there, draw):
            params, key = draw
            factors, variables, rows = there.factors(params)
            labels = {}
            for v in variables:  # z_1, then z_2 given z_1, ...: the marginal of each in what is left
                key, now = jax.random.split(key)
                p = there.marginal(v, factors, variables, rows)
                labels[v.name] = jax.random.categorical(now, jnp.log(p), axis=-1)
                chosen = values_along(jnp.log(jax.nn.one_hot(labels[v.name], p.shape[-1], dtype=p.dtype)), v)
                factors = {**factors, v.name: factors[v.name]._replace(log=factors[v.name].log + chosen)}
            return labels

        keys = jax.random.split(jax.random.PRNGKey(seed), len(next(iter(draws.values()))))
        return self.over((draws, keys), one)

    def marginal(self, v, factors, variables, rows):
        """p(v | x), plates first and its values last, from the factors."""

        def moved(zeros):
            f = factors[v.name]
            return self.total({**factors, v.name: f._replace(log=f.log + zeros)}, variables, rows)[0]

        return values_last(jax.grad(moved)(jnp.zeros_like(factors[v.name].log)), v, variables)


def dims(v):
    return sorted(p.dim for p in v.plates)


def values_last(joint, v, variables):
    """p(v | x) as (plates, values), from the joint posterior of what its factor holds."""
    others = tuple(u.dim for u in variables if u.dim != v.dim and -u.dim <= joint.ndim)
    p = jnp.moveaxis(joint.sum(others, keepdims=True), v.dim, 0)
    p = p.reshape(p.shape[0], *(joint.shape[d] for d in dims(v)))
    return jnp.moveaxis(p, 0, -1)


def values_along(array, v):
    """The inverse of ``values_last``: (plates, values) with the values along the dimension of ``v``."""
    sizes = dict(zip(dims(v), array.shape, strict=False))
    shape = (array.shape[-1], *(sizes.get(d, 1) for d in range(v.dim + 1, 0)))
    return jnp.moveaxis(array, -1, 0).reshape(shape)
