import pyro
import torch
from pyro import poutine
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample

from inference.exact.enumeration.elimination import Factor, Plate, Variable, by_row, eliminate, total
from zoo._backend.in_pyro import sample_nodes
from zoo.errors import ZooError


def logsumexp(array, dim):
    return array.logsumexp(dim, keepdim=True)


class Enumerate(Messenger):
    """Gives every discrete latent all its values at once, and keeps the sites that depend on one."""

    def __init__(self, plate_depth):
        super().__init__()
        self.plate_depth = plate_depth

    def __enter__(self):
        self.sites, self.variables = [], []
        return super().__enter__()

    def _pyro_sample(self, msg):
        if isinstance(msg["fn"], _Subsample):
            return
        latent = not msg["is_observed"]
        if latent and msg["fn"].support.is_discrete:
            if not msg["fn"].has_enumerate_support:
                raise ZooError(f"{msg['name']} has endlessly many values and cannot be summed out; bound it")
            dim = -self.plate_depth - 1 - len(self.variables)
            values = msg["fn"].enumerate_support(expand=False)
            msg["value"] = values.reshape((len(values),) + (1,) * (-dim - 1) + msg["fn"].event_shape)
            msg["done"] = True
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
    return frozenset(Plate(f.name, f.dim) for f in msg["cond_indep_stack"])


def plate_depth(program, *args, **keywords):
    """How many dimensions from the right belong to plates: enumeration starts to their left."""
    with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad():
        nodes = poutine.trace(program).get_trace(*args, **keywords).nodes
    return max((-f.dim for s in nodes.values() for f in s.get("cond_indep_stack", ())), default=0)


def marginalize(program):
    """The same joint over the other sites, an ordinary program: its discrete sites become one factor."""

    depth = []  # of the plates, found on the first call

    def without_discrete(*args, **keywords):
        if not depth:
            depth.append(plate_depth(program, *args, **keywords))
        with Enumerate(depth[0]) as enumerated:
            program(*args, **keywords)
        if not enumerated.sites:
            return
        factors = [Factor(s["fn"].log_prob(s["value"]), plates(s)) for s in enumerated.sites]
        scale = one_scale(enumerated.sites)
        left = eliminate(factors, enumerated.variables, logsumexp)
        pyro.factor("summed", scale * sum(f.log.sum() for f in left))

    without_discrete.__name__ = getattr(program, "__name__", "program")
    without_discrete.all_rows_in_one = True  # draws side by side would be summed as rows are
    return without_discrete


def one_scale(sites):
    scales = {float(s["scale"]) for s in sites}
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
        inner = poutine.trace(program)
        with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad(), Enumerate(self.depth) as enumerated:
            nodes = inner.get_trace(**self.small).nodes
        self.variables = enumerated.variables
        discrete = {v.name for v in self.variables}
        latent = {n: s for n, s in sample_nodes(nodes).items() if not s["is_observed"] and n not in discrete}
        self.supports = {n: s["fn"].support for n, s in latent.items()}
        self.shapes = {n: s["value"].shape for n, s in latent.items()}

    def prior_draws(self, count):
        """A list of draws ``{site: value}`` of every continuous latent, from a program with one row."""

        def one():
            nodes = poutine.trace(self.program).get_trace(**self.small).nodes
            return {n: nodes[n]["value"] for n in self.supports}

        with poutine.block(), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            return [one() for _ in range(count)]

    @property
    def has_one_label_per_row(self):
        """Whether the only discrete site is one label for each row."""
        return len(self.variables) == 1 and {p.name for p in self.variables[0].plates} == {"N"}

    def log_prior(self, params):
        """log p(params), of the global latents given."""
        with poutine.block(), torch.random.fork_rng(devices=[]):
            nodes = poutine.trace(poutine.condition(self.program, data=params)).get_trace(**self.small).nodes
        return sum(nodes[n]["fn"].log_prob(nodes[n]["value"]).sum() for n in params)

    def factors(self, params):
        """Every site at ``params``, as ``({name: Factor}, variables, the dimension of the plate N)``.

        The sites are those of the rows (observed or discrete); the priors of ``params`` are not among them.
        """
        inner = poutine.trace(poutine.condition(self.program, data=params))
        with poutine.block(), Enumerate(self.depth) as enumerated:
            nodes = inner.get_trace(**self.data, **self.keywords).nodes
        sites = sample_nodes(nodes)
        rows = next((p for s in sites.values() for p in plates(s) if p.name == "N"), None)
        discrete = {v.name for v in enumerated.variables}
        counted = {}
        for name, site in sites.items():
            if name in params or not (site["is_observed"] or name in discrete):
                if rows in plates(site):
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
        zeros = {n: torch.zeros_like(f.log, requires_grad=True) for n, f in factors.items()}
        moved = {n: f._replace(log=f.log.detach() + zeros[n]) for n, f in factors.items()}
        log_p, each = self.total(moved, variables, rows, weights)
        joint = torch.autograd.grad(log_p, list(zeros.values()))
        return dict(zip(zeros, joint, strict=True)), None if each is None else each.detach()

    def log_marginal(self, draws):
        def one(params):
            factors, variables, rows = self.factors(params)
            return by_row(self.left(factors, variables), rows)

        with torch.no_grad():
            return torch.stack([one(params) for params in each(draws)])

    def responsibilities(self, draws):
        def one(params):
            joint, _ = self.posterior(params)
            return {v.name: values_last(joint[v.name], v, self.variables) for v in self.variables}

        return together([one(params) for params in each(draws)])

    def sampled(self, draws, seed):
        generator = torch.Generator().manual_seed(seed)

        def one(params):
            factors, variables, rows = self.factors(params)
            labels = {}
            for v in variables:  # z_1, then z_2 given z_1, ...: the marginal of each in what is left
                f = factors[v.name]
                zeros = torch.zeros_like(f.log, requires_grad=True)
                log_p, _ = self.total({**factors, v.name: f._replace(log=f.log + zeros)}, variables, rows)
                p = values_last(torch.autograd.grad(log_p, zeros)[0], v, variables)
                flat = p.reshape(-1, p.shape[-1]).clamp_min(0)
                labels[v.name] = (
                    torch.multinomial(flat.cpu(), 1, generator=generator).reshape(p.shape[:-1]).to(p.device)
                )
                chosen = torch.nn.functional.one_hot(labels[v.name], p.shape[-1]).to(p.dtype).log()
                factors = {**factors, v.name: f._replace(log=f.log + values_along(chosen, v))}
            return labels

        return together([one(params) for params in each(draws)])


def each(draws):
    for i in range(len(next(iter(draws.values())))):
        yield {n: v[i] for n, v in draws.items()}


def together(answers):
    return {n: torch.stack([a[n] for a in answers]) for n in answers[0]}


def dims(v):
    return sorted(p.dim for p in v.plates)


def values_last(joint, v, variables):
    """p(v | x) as (plates, values), from the joint posterior of what its factor holds."""
    others = tuple(u.dim for u in variables if u.dim != v.dim and -u.dim <= joint.ndim)
    p = (joint.sum(others, keepdim=True) if others else joint).movedim(v.dim, 0)
    return p.reshape(p.shape[0], *(joint.shape[d] for d in dims(v))).movedim(0, -1)


def values_along(array, v):
    """The inverse of ``values_last``: (plates, values) with the values along the dimension of ``v``."""
    sizes = dict(zip(dims(v), array.shape, strict=False))
    return array.movedim(-1, 0).reshape(array.shape[-1], *(sizes.get(d, 1) for d in range(v.dim + 1, 0)))
