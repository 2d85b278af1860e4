"""Bounds and their gradients against quadrature, enumeration and each other, in both backends.

Rows have parameters of their own, so that one call gives as many independent draws of a gradient as there are rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import guides
import zoo
from inference.objectives import GRADIENTS, Objective
from tests.programs import conjugate, evidence, sums
from tests.table import BACKENDS
from zoo import ZooError

R = 20_000  # rows alike
SIGMAS = 4.0
Arrays = dict[str, Any]


class InNumpyro:
    """What the tests ask of a backend, in numpy."""

    def __init__(self) -> None:
        import jax.numpy as jnp
        import numpyro
        from numpyro import distributions

        self.say = SimpleNamespace(sample=numpyro.sample, plate=numpyro.plate, factor=numpyro.factor)
        self.say.scale = numpyro.handlers.scale
        self.say.param, self.laws, self.np = lambda name: numpyro.param(name, None), distributions, jnp

        self.compiled = {}

    def bounds(self, objective, both, params, inputs, beta=1.0, seeds=1, rows=None):
        """``(values (S,), metrics {name: (S,)}, gradients {param: (S, ...)})``, one for each seed."""
        return self.asked(objective, both, params, inputs, beta, seeds, rows)[:3]

    def terms(self, objective, both, params, inputs):
        found = self.asked(objective, both, params, inputs)[3]
        return type(found)(*(None if v is None else v[0] for v in found))

    def asked(self, objective, both, params, inputs, beta=1.0, seeds=1, rows=None):
        import jax

        from zoo._backend.in_numpyro import runtime, to_backend

        with runtime("float64"):
            plain = {n: v for n, v in inputs.items() if not isinstance(v, np.ndarray)}
            carried = to_backend({n: v for n, v in inputs.items() if n not in plain})
            known = objective, *both, *plain.values(), tuple(rows or ())
            if known not in self.compiled:  # compiling is what takes the time
                self.compiled[known] = jax.jit(self.function(objective, both, plain, rows))
            keys = jax.random.split(jax.random.PRNGKey(0), seeds)
            return jax.tree.map(np.asarray, self.compiled[known](to_backend(arrays(params)), carried, beta, keys))

    @staticmethod
    def function(objective, both, plain, rows):
        import jax

        from inference.objectives.in_numpyro import bound, terms
        from zoo._backend.in_numpyro import minibatch

        def one(params, carried, beta, key):
            program, guide = both if rows is None else [minibatch(f, jax.numpy.asarray(rows)) for f in both]
            inputs = {**carried, **plain}

            def climbed(params):
                return bound(objective, program, guide, params, key, inputs, beta)

            (value, metrics), slopes = jax.value_and_grad(climbed, has_aux=True)(params)
            return value, metrics, slopes, terms(program, guide, params, key, inputs, objective)

        return jax.vmap(one, in_axes=(None, None, None, 0))


class InPyro:
    def __init__(self) -> None:
        import pyro
        import torch
        from pyro import distributions

        self.say = SimpleNamespace(sample=pyro.sample, plate=pyro.plate, param=pyro.param, factor=self.factor)
        self.say.scale = pyro.poutine.scale
        self.laws, self.np = distributions, torch

    @staticmethod
    def factor(name, log):
        import pyro

        pyro.factor(name, log, has_rsample=True)

    @staticmethod
    def parameters(params):
        import pyro

        from zoo._backend.in_pyro import to_backend

        given: Any = to_backend(arrays(params))
        return {n: pyro.param(n, v) for n, v in given.items()}

    def bounds(self, objective, both, params, inputs, beta=1.0, seeds=1, rows=None):
        import torch

        from inference.objectives.in_pyro import bound
        from zoo._backend.in_pyro import minibatch, runtime, to_backend, to_numpy

        with runtime("float64"), torch.random.fork_rng():
            torch.manual_seed(0)
            carried = to_backend(inputs)
            leaves = self.parameters(params)
            program, guide = both if rows is None else [minibatch(f, torch.as_tensor(rows)) for f in both]
            values, metrics, slopes = [], [], []
            for _ in range(seeds):
                value, said = bound(objective, program, guide, carried, beta)
                found = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True, allow_unused=True)
                slopes.append(to_numpy(dict(zip(leaves, found, strict=True))))
                values.append(float(value.detach()))
                metrics.append(to_numpy(said))
            return np.array(values), stacked(metrics), stacked(slopes)

    def terms(self, objective, both, params, inputs):
        import torch

        from inference.objectives.in_pyro import terms
        from zoo._backend.in_pyro import runtime, to_backend

        with runtime("float64"), torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            self.parameters(params)
            program, guide = both
            found = terms(program, guide, to_backend(inputs), objective)
            return type(found)(*(None if v is None else np.asarray(v) for v in found))


LANGUAGES = {"numpyro": InNumpyro, "pyro": InPyro}


def arrays(values: Arrays) -> Arrays:
    return {n: np.asarray(v, float) for n, v in values.items()}


def stacked(dicts: list[Arrays]) -> Arrays:
    return {n: np.stack([d[n] for d in dicts]) for n in dicts[0]}


@pytest.fixture(scope="module", params=BACKENDS)
def language(request):
    return LANGUAGES[request.param]()


def agree(draws: np.ndarray, truth: Any, what: str = "") -> None:
    """The mean of independent draws (S, ...) is the truth, within four standard errors."""
    se = draws.std(0, ddof=1) / np.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(0) - truth), SIGMAS * se + 1e-12, err_msg=what)


def normal_log(x: Any, loc: Any, scale: Any) -> Any:
    return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def over_noise(f: Callable[..., np.ndarray], dims: int, nodes: int) -> Any:
    """E[f(e_1, ..., e_dims)] of standard normal numbers, by Gauss-Hermite quadrature; f may have leading dimensions."""
    e, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = [g.reshape(-1) for g in np.meshgrid(*[e] * dims, indexing="ij")]
    weight = np.prod([g.reshape(-1) for g in np.meshgrid(*[w / w.sum()] * dims, indexing="ij")], 0)
    return (f(*grid) * weight).sum(-1)


def log_mean_exp(*each: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(each) - np.log(len(each))


def slope(f: Callable[[Arrays], float], params: Arrays) -> Arrays:
    """The gradient of f by central differences."""
    found = {}
    for name, value in params.items():
        value, h = np.asarray(value, float), 1e-5
        steps = np.eye(value.size).reshape(value.size, *value.shape) * h
        both = [[f({**params, name: value + sign * step}) for step in steps] for sign in (1, -1)]
        found[name] = ((np.array(both[0]) - both[1]) / (2 * h)).reshape(value.shape)
    return found


# --- two latents in a row: z ~ N(0, 1), t ~ N(z, 1), x ~ N(theta t, 1); q(z) = N(m, s), q(t | z) = N(c z + d, r) ---

CHAIN = {"theta": 0.8, "m": 0.3, "s": 0.9, "c": 0.4, "d": 0.2, "r": 0.7}
X = 1.4


@cache
def chain(language):
    sample, plate, param, Normal = language.say.sample, language.say.plate, language.say.param, language.laws.Normal

    def program(x, *, N):
        theta = param("theta")
        with plate("N", N):
            z = sample("z", Normal(0.0 * x, 1.0))
            t = sample("t", Normal(z, 1.0))
            sample("x", Normal(theta * t, 1.0), obs=x)

    def guide(x, *, N):
        m, s, c, d, r = map(param, "mscdr")
        with plate("N", N):
            z = sample("z", Normal(m + 0.0 * x, s))
            sample("t", Normal(c * z + d, r))

    return program, guide


def alike(params: Arrays, rows: int = R) -> Arrays:
    return {n: np.broadcast_to(v, (rows, *np.shape(v))).copy() for n, v in params.items()}


def chain_weight(p: Arrays, e: Any, f: Any, beta: float = 1.0, x: float = X) -> Any:
    z = p["m"] + p["s"] * e
    t = p["c"] * z + p["d"] + p["r"] * f
    prior = normal_log(z, 0, 1) + normal_log(t, z, 1)
    guide = normal_log(e, 0, 1) + normal_log(f, 0, 1) - np.log(p["s"] * p["r"])
    return normal_log(x, p["theta"] * t, 1) + beta * (prior - guide)


def chain_bound(name: str, beta: float = 1.0, nodes: int = 16) -> Callable[[Arrays], float]:
    if name == "elbo":
        return lambda p: over_noise(lambda e, f: chain_weight(p, e, f, beta), 2, nodes)
    two = lambda p: lambda a, b, c, d: log_mean_exp(chain_weight(p, a, b, beta), chain_weight(p, c, d, beta))  # noqa: E731
    return lambda p: over_noise(two(p), 4, nodes)


def chain_evidence() -> float:
    return float(normal_log(X, 0, np.sqrt(1 + 2 * CHAIN["theta"] ** 2)))


BETA = 0.7
UNBIASED = [
    Objective("elbo", 2),
    Objective("elbo", 2, "sticking_the_landing"),
    Objective("elbo", 1, kl="analytic"),
    Objective("iwae", 2),
    Objective("iwae", 2, "doubly_reparameterised"),
]


def said(objective: Objective) -> str:
    return "-".join(str(v) for v in vars(objective).values())


@pytest.mark.parametrize("objective", UNBIASED, ids=said)
def test_bounds_of_rows_and_their_gradients_are_right_on_average(language, objective):
    truth = chain_bound(objective.name, BETA)
    found = language.terms(objective, chain(language), alike(CHAIN), {"x": np.full(R, X), "N": R})
    rows = found.likelihood - BETA * found.kl
    assert rows.shape == (objective.num_particles, R)
    agree(log_mean_exp(*rows) if objective.name == "iwae" else rows.mean(0), truth(CHAIN))
    *_, slopes = language.bounds(objective, chain(language), alike(CHAIN), {"x": np.full(R, X), "N": R}, BETA)
    for name, expected in slope(truth, CHAIN).items():
        agree(slopes[name][0], expected, name)


def test_the_score_left_out_of_the_weighted_bound_is_missed(language):
    objective = Objective("iwae", 2, "sticking_the_landing")
    *_, slopes = language.bounds(objective, chain(language), alike(CHAIN), {"x": np.full(R, X), "N": R})
    expected = slope(chain_bound("iwae"), CHAIN)
    agree(slopes["theta"][0], expected["theta"])
    bias = slopes["s"][0].mean() - expected["s"]
    assert abs(bias) > SIGMAS * slopes["s"][0].std() / np.sqrt(R)


def test_metrics_are_the_bound_without_beta(language):
    objective, few = Objective("iwae", 3), {"x": np.full(4, X), "N": 4}
    found = language.terms(objective, chain(language), alike(CHAIN, 4), few)
    values, metrics, _ = language.bounds(objective, chain(language), alike(CHAIN, 4), few, BETA)
    assert metrics["elbo"] == pytest.approx(metrics["reconstruction"] - metrics["kl"])
    assert metrics["iwae"] > metrics["elbo"]
    assert found.scale == 1
    assert found.likelihood_rest == found.kl_rest == found.extra == 0
    plain, at_one, _ = language.bounds(objective, chain(language), alike(CHAIN, 4), few)
    assert plain == pytest.approx(at_one["iwae"])
    assert values != pytest.approx(plain)
    for name in metrics:
        np.testing.assert_allclose(metrics[name], at_one[name], rtol=1e-12)


def test_the_weighted_bound_rises_to_the_evidence_and_not_above_it(language):
    means = []
    for K in (2, 32):
        found = language.terms(Objective("iwae", K), chain(language), alike(CHAIN), {"x": np.full(R, X), "N": R})
        rows = log_mean_exp(*(found.likelihood - found.kl))
        means.append((rows.mean(), rows.std() / np.sqrt(R)))
    for (low, a), (high, b) in pairwise(means):
        assert high - low > SIGMAS * np.hypot(a, b)
    gap, se = chain_evidence() - means[-1][0], means[-1][1]
    assert -SIGMAS * se < gap < 0.05


def at_the_posterior() -> Arrays:
    theta = CHAIN["theta"]
    once, twice = 1 + theta**2, 1 + 2 * theta**2
    of_z = {"m": theta * X / twice, "s": np.sqrt(once / twice)}
    return {"theta": theta, **of_z, "c": 1 / once, "d": theta * X / once, "r": 1 / np.sqrt(once)}


def spread(language, objective: Objective, params: Arrays) -> Arrays:
    """Mean and standard deviation of each gradient."""
    *_, slopes = language.bounds(objective, chain(language), alike(params), {"x": np.full(R, X), "N": R})
    return {n: (g[0].mean(), g[0].std()) for n, g in slopes.items()}


@pytest.mark.parametrize("name", ["elbo", "iwae"])
def test_at_the_posterior_only_the_guides_score_is_noise(language, name):
    quiet = "sticking_the_landing" if name == "elbo" else "doubly_reparameterised"
    loud, still = (spread(language, Objective(name, 2, g), at_the_posterior()) for g in ("reparameterised", quiet))
    for parameter in "mscdr":
        assert still[parameter][1] < 1e-12 < 1e-2 < loud[parameter][1]


def test_variances_near_the_posterior_are_ordered_as_published(language):
    near = {n: v + (0.05 if n != "theta" else 0) for n, v in at_the_posterior().items()}
    plain, stuck = (spread(language, Objective("elbo", 2, g), near) for g in GRADIENTS[:2])
    weighted, doubly = (spread(language, Objective("iwae", 2, g), near) for g in (GRADIENTS[0], GRADIENTS[2]))
    for parameter in "mscdr":
        assert stuck[parameter][1] < 0.5 * plain[parameter][1]
        assert doubly[parameter][1] < 0.5 * weighted[parameter][1]


def test_the_signal_of_the_doubly_reparameterised_gradient_does_not_die(language):
    """Where the weights have a variance, it is some sqrt(K) of the noise, and the other's 1 / sqrt(K)."""
    wide = {**CHAIN, "s": 1.2, "r": 1.1}

    def signal(gradient, K):
        mean, sd = spread(language, Objective("iwae", K, gradient), wide)["c"]
        return abs(mean) / sd

    few, many = 2, 32
    assert signal("reparameterised", many) < 0.5 * signal("reparameterised", few)
    assert signal("doubly_reparameterised", many) > 2 * signal("doubly_reparameterised", few)


# --- a latent that rows share: u ~ N(0, 1), z ~ N(u, 1), x ~ N(z, 1); q(u) = N(a, b), q(z | u) = N(c u + d, s) ---

SHARED = {"a": 0.4, "b": 0.6, "c": 0.5, "d": 0.3, "s": 0.8}
FOUR = np.array([1.2, -0.3, 0.8, 2.0])


@cache
def shared(language):
    sample, plate, param, Normal = language.say.sample, language.say.plate, language.say.param, language.laws.Normal

    def program(x, *, N):
        u = sample("u", Normal(0.0 * x.sum(), 1.0))
        with plate("N", N):
            z = sample("z", Normal(u, 1.0))
            sample("x", Normal(z, 1.0), obs=x)

    def guide(x, *, N):
        u = sample("u", Normal(param("a"), param("b")))
        with plate("N", N):
            sample("z", Normal(param("c") * u + param("d"), param("s")))

    return program, guide


def shared_bound(p: Arrays) -> float:
    """The bound on log p(x) of the four rows, by two draws of z for each of u."""

    def weight(u, e, x):
        z = p["c"] * u + p["d"] + p["s"] * e
        return normal_log(x, z, 1) + normal_log(z, u, 1) - normal_log(z, p["c"] * u + p["d"], p["s"])

    def whole(g, e, f):
        u = p["a"] + p["b"] * g
        rows = sum(log_mean_exp(weight(u, e, x), weight(u, f, x)) for x in FOUR)
        return rows + normal_log(u, 0, 1) - normal_log(u, p["a"], p["b"])

    return over_noise(whole, 3, 24)


@pytest.mark.parametrize("gradient", ["reparameterised", "doubly_reparameterised"])
def test_batches_and_a_shared_latent_leave_the_weighted_bound_unbiased(language, gradient):
    truth, halves = slope(shared_bound, SHARED), []
    for rows in ([0, 1], [2, 3]):
        inputs = {"x": FOUR[rows], "N": 4}
        halves.append(language.bounds(Objective("iwae", 2, gradient), shared(language), SHARED, inputs, 1.0, 500, rows))
    agree((halves[0][0] + halves[1][0]) / 2, shared_bound(SHARED))
    agree((halves[0][1]["iwae"] + halves[1][1]["iwae"]) / 2, shared_bound(SHARED))
    for name, expected in truth.items():
        agree((halves[0][2][name] + halves[1][2][name]) / 2, expected, name)


def test_the_analytic_kl_is_that_of_shared_latents_too(language):
    found = language.terms(Objective(kl="analytic"), shared(language), SHARED, {"x": FOUR, "N": 4})
    a, b = SHARED["a"], SHARED["b"]
    assert found.kl_rest == pytest.approx(0.5 * (a**2 + b**2 - 1) - np.log(b))
    assert found.prior is None
    assert np.ptp(found.kl) < 1e-12


# --- a class of each row: y ~ Cat(pi), z ~ N(mu_y, 1), x ~ N(z, 1); q(y), q(z | y) = N(d + c mu_y, s); labels ---

CLASSES = {"w": np.array([0.5, -0.2, 0.1]), "c": 0.6, "d": 0.2, "s": 0.8}
PI, MU = np.array([0.2, 0.3, 0.5]), np.array([-1.0, 0.0, 2.0])


@cache
def classes(language, late=False):
    sample, plate, param, factor = (getattr(language.say, n) for n in ("sample", "plate", "param", "factor"))
    Normal, Categorical, np_ = language.laws.Normal, language.laws.Categorical, language.np

    def numbers(values):
        return np_.asarray(values) + 0.0

    def program(x, label, *, N):
        with plate("N", N):
            y = sample("y", Categorical(numbers(PI)))
            z = sample("z", Normal(numbers(MU)[y], 1.0))
            sample("x", Normal(z, 1.0), obs=x)
            factor("label", np_.log(np_.where((label < 0) | (y == label), 1.0, 0.0)))

    def guide(x, label, *, N):
        w, c, d, s = map(param, "wcds")
        known = np_.log(numbers(np.eye(3))[np_.where(label < 0, 0, label)])
        with plate("N", N):
            if late:
                z = sample("z", Normal(d, s))
                sample("y", Categorical(logits=w + z[..., None]))
            else:
                y = sample("y", Categorical(logits=np_.where((label < 0)[..., None], w, known)))
                sample("z", Normal(d + c * numbers(MU)[y], s))

    return program, guide


def classes_bound(name: str, label: int) -> Callable[[Arrays], float]:
    def weight(p, y, e):
        z = p["d"] + p["c"] * MU[y] + p["s"] * e
        return normal_log(X, z, 1) + normal_log(z, MU[y], 1) - normal_log(e, 0, 1) + np.log(p["s"] * PI[y])

    def of_class(p, y):
        if name == "elbo":
            return over_noise(lambda e: weight(p, y, e), 1, 40)
        return over_noise(lambda e, f: log_mean_exp(weight(p, y, e), weight(p, y, f)), 2, 40)

    def whole(p):
        q = np.exp(p["w"] - np.logaddexp.reduce(p["w"]))
        if label >= 0:
            return of_class(p, label)
        return sum(q[y] * (of_class(p, y) - np.log(q[y])) for y in range(3))

    return whole


@pytest.mark.parametrize(
    "objective",
    [Objective(), Objective(kl="analytic"), Objective("iwae", 2), Objective("iwae", 2, "doubly_reparameterised")],
    ids=said,
)
def test_discrete_latents_of_rows_take_each_value(language, objective):
    half = R // 2
    inputs = {"x": np.full(R, X), "label": np.repeat([-1, 1], half), "N": R}
    found = language.terms(objective, classes(language), alike(CLASSES), inputs)
    assert found.likelihood.shape == (objective.num_particles, 3, R)
    np.testing.assert_allclose(found.probability.sum(1), 1)
    rows = found.likelihood - found.kl
    rows = (found.probability[0] * (log_mean_exp(*rows) if objective.name == "iwae" else rows.mean(0))).sum(0)
    values, metrics, slopes = language.bounds(objective, classes(language), alike(CLASSES), inputs)
    assert np.isfinite([values, *metrics.values()]).all()
    for part, label in ((slice(None, half), -1), (slice(half, None), 1)):
        truth = classes_bound(objective.name, label)
        agree(rows[part], truth(CLASSES))
        for name, expected in slope(truth, CLASSES).items():
            agree(slopes[name][0, part], expected, name)
    assert not slopes["w"][0, half:].any()


def test_a_class_after_what_is_drawn_is_weighed_for_each_draw(language):
    inputs = {"x": np.full(R, X), "label": np.full(R, -1), "N": R}

    def truth(e):
        z = CLASSES["d"] + CLASSES["s"] * e
        logits = CLASSES["w"][:, None] + z
        q = np.exp(logits - np.logaddexp.reduce(logits))
        rest = normal_log(X, z, 1) - normal_log(e, 0, 1) + np.log(CLASSES["s"])
        return rest + (q * (normal_log(z, MU[:, None], 1) + np.log(PI)[:, None] - np.log(q))).sum(0)

    late = classes(language, late=True)
    found = language.terms(Objective("elbo", 2), late, alike(CLASSES), inputs)
    agree((found.probability * (found.likelihood - found.kl)).sum(1).mean(0), over_noise(truth, 1, 40))
    with pytest.raises(ZooError, match="iwae weighs draws given y: let the guide have it before z"):
        language.terms(Objective("iwae", 2), late, alike(CLASSES, 3), {"x": FOUR[:3], "label": np.full(3, -1), "N": 3})


# --- guides of a vector of free numbers ---


@pytest.mark.parametrize(
    "objective", [Objective("elbo", 3, "sticking_the_landing"), *UNBIASED[3:], UNBIASED[0]], ids=said
)
def test_a_guide_over_all_rows_that_is_the_posterior_gives_the_evidence(language, objective):
    name = "pyro" if isinstance(language, InPyro) else "numpyro"
    program, inputs = conjugate(name).program, {"y": sums(), "N": 20}
    guide = guides.load("full_rank", name)(program)
    values, metrics, slopes = language.bounds(objective, (program, set_up(name, guide, inputs)), FREE, inputs, 1.0, 5)
    np.testing.assert_allclose(values, evidence(), rtol=1e-6)
    np.testing.assert_allclose(metrics["elbo"], evidence(), rtol=1e-6)
    if objective.gradient != "reparameterised":
        assert max(np.abs(g).max() for g in slopes.values()) < 1e-4


FREE = {"guide_loc": np.zeros(2), "guide_tril": np.eye(2)}


def set_up(name: str, guide: Any, inputs: Arrays) -> Any:
    """The guide, after its first call, in which it looks for the mode."""
    from zoo._backend import in_backend

    backend = in_backend("zoo._backend", name)
    with backend.runtime("float64"):
        if name == "pyro":
            guide(**backend.to_backend(inputs))
        else:
            from numpyro.handlers import seed

            seed(guide, 0)(**backend.to_backend(inputs))
    return guide


def test_draws_of_all_latents_weigh_the_data_as_a_whole(language):
    """A latent of the rows outside of the plate N of the guide: the weights are those of all rows."""
    sample, param, Normal = language.say.sample, language.say.param, language.laws.Normal
    program, _ = shared(language)

    def guide(x, *, N):
        u = sample("u", Normal(param("a"), param("b")))
        sample("z", Normal(param("c") * u + param("d") + 0.0 * x, param("s")).to_event(1))

    inputs = {"x": FOUR, "N": 4}
    found = language.terms(Objective("iwae", 5), (program, guide), SHARED, inputs)
    assert found.likelihood.shape == (5, 4)
    assert found.guide_rest.shape == (5,)
    values, metrics, _ = language.bounds(Objective("iwae", 5), (program, guide), SHARED, inputs)
    weights = (found.likelihood - found.kl).sum(-1) + found.likelihood_rest - found.kl_rest
    assert metrics["elbo"] == pytest.approx(weights.mean())  # of the same draws
    assert values == pytest.approx(log_mean_exp(*weights))
    with pytest.raises(ZooError, match="iwae is biased by batches where the rows have no latents of their own"):
        language.bounds(Objective("iwae", 2), (program, guide), SHARED, {"x": FOUR[:2], "N": 4}, rows=[0, 1])


# --- what else programs and guides may have ---


def test_factors_of_the_guide_are_trained_on_and_not_reported(language):
    program, guide = chain(language)

    def with_factor(x, *, N):
        guide(x, N=N)
        with language.say.plate("N", N):
            language.say.factor("help", 2.0 * language.say.param("m"))

    inputs, params = {"x": np.full(4, X)[:2], "N": 4}, alike(CHAIN, 2)
    objective = Objective("iwae", 2, "doubly_reparameterised")
    values, metrics, slopes = language.bounds(objective, (program, with_factor), params, inputs, 1.0, 1, [0, 1])
    assert values - metrics["iwae"] == pytest.approx(-2 * 2.0 * 2 * CHAIN["m"])  # N / B times two rows
    bare = language.bounds(objective, (program, guide), params, inputs, 1.0, 1, [0, 1])[2]
    np.testing.assert_allclose(slopes["m"] - bare["m"], -4.0, rtol=1e-9)


def test_scales_of_ones_own_count_beside_those_of_batches(language):
    program, guide = chain(language)

    def scaled(x, *, N):
        with language.say.scale(scale=language.np.asarray(0.25)):
            program(x, N=N)

    inputs, params = {"x": np.full(2, X), "N": 4}, alike(CHAIN, 2)
    whole, quarter = (
        language.bounds(Objective(), (p, guide), params, inputs, 1.0, 1, [0, 1])[1] for p in (program, scaled)
    )
    np.testing.assert_allclose(quarter["reconstruction"], whole["reconstruction"] / 4, rtol=1e-12)


def test_discrete_latents_summed_out_of_the_program_count_as_likelihood(language):
    from zoo._backend import in_backend

    sample, param, Normal = language.say.sample, language.say.param, language.laws.Normal
    name = "pyro" if isinstance(language, InPyro) else "numpyro"

    def mixture(x, *, N):
        with language.say.plate("N", N):
            z = sample("z", Normal(0.0 * x, 1.0))
            y = sample("y", language.laws.Bernoulli(0.3))
            sample("x", Normal(z + 2.0 * y, 1.0), obs=x)

    def guide(x, *, N):
        with language.say.plate("N", N):
            sample("z", Normal(param("m"), param("s")))

    def row(e, x):
        z = 0.3 + 0.9 * e
        seen = np.logaddexp(np.log(0.7) + normal_log(x, z, 1), np.log(0.3) + normal_log(x, z + 2, 1))
        return seen + normal_log(z, 0, 1) - normal_log(e, 0, 1) + np.log(0.9)

    both = in_backend("inference.exact.enumeration", name).marginalize(mixture), guide
    truth = 2 * sum(over_noise(lambda e, x=x: row(e, x), 1, 40) for x in FOUR[:2])
    params, inputs = alike({"m": 0.3, "s": 0.9}, 2), {"x": FOUR[:2], "N": 4}
    with pytest.raises(ZooError, match="iwae weighs each row by itself, but what is outside the plate N depends on"):
        language.bounds(Objective("iwae", 2), both, params, {"x": FOUR[:2], "N": 2})
    for K in (1, 2):
        values, metrics, _ = language.bounds(Objective("elbo", K), both, params, inputs, 1.0, 200, [0, 1])
        agree(values, truth)
        agree(metrics["elbo"], truth)


def test_rows_may_have_plates_within_them(language):
    sample, plate, param, Normal = language.say.sample, language.say.plate, language.say.param, language.laws.Normal

    def program(x, *, N, T):
        with plate("N", N), plate("T", T):
            z = sample("z", Normal(0.0 * x, 1.0))
            sample("x", Normal(z, 1.0), obs=x)

    def guide(x, *, N, T):
        with plate("N", N), plate("T", T):
            sample("z", Normal(param("m") + 0.0 * x, param("s")))

    inputs, params = {"x": np.full((2, R), X), "N": R, "T": 2}, {"m": np.full(R, 0.3), "s": np.full(R, 0.9)}

    def row(a, b):
        z = np.array([0.3 + 0.9 * a, 0.3 + 0.9 * b])
        return (normal_log(X, z, 1) + normal_log(z, 0, 1)).sum(0) - normal_log(a, 0, 1) - normal_log(b, 0, 1)

    truth = over_noise(lambda a, b, c, d: log_mean_exp(row(a, b), row(c, d)), 4, 16) + 2 * np.log(0.9)
    found = language.terms(Objective("iwae", 2), (program, guide), params, inputs)
    agree(log_mean_exp(*(found.likelihood - found.kl)), truth)
    quiet, loud = (
        language.bounds(Objective("iwae", 2, g), (program, guide), params, inputs)[2]["m"][0]
        for g in (GRADIENTS[2], GRADIENTS[0])
    )
    agree(quiet - loud, 0.0)


def test_the_same_noise_gives_the_same_terms_in_both_backends():
    rng = np.random.default_rng(0)
    noise, x = rng.standard_normal((2, 2, 6))
    params = {n: rng.uniform(0.5, 1.0, 6) for n in CHAIN}

    def of_noise(language):
        sample, plate, param = language.say.sample, language.say.plate, language.say.param
        Normal, Delta = language.laws.Normal, language.laws.Delta

        def guide(x, noise, *, N):
            m, s, c, d, r = map(param, "mscdr")
            with plate("N", N):
                first, value = Normal(m, s), m + s * noise[0]
                z = sample("z", Delta(value, first.log_prob(value)))
                second, value = Normal(c * z + d, r), c * z + d + r * noise[1]
                sample("t", Delta(value, second.log_prob(value)))

        program, _ = chain(language)
        return lambda x, noise, *, N: program(x, N=N), guide

    inputs = {"x": x[0], "noise": noise, "N": 6}
    answers = []
    for language in (InNumpyro(), InPyro()):
        both = of_noise(language)
        terms = language.terms(Objective(), both, params, inputs)
        _, metrics, slopes = language.bounds(Objective("iwae", 3), both, params, inputs, BETA)  # all draws are alike
        answers.append({**told(terms, 0.0, metrics), **slopes})
    same(answers[0], answers[1], 1e-9)


def told(found: Any, value: Any, metrics: Arrays) -> Arrays:
    said = {**found._asdict(), "value": value, **{f"metrics {n}": v for n, v in metrics.items()}}
    return {n: None if v is None else np.asarray(v) for n, v in said.items()}


def same(ours: Arrays, theirs: Arrays, rtol: float) -> None:
    assert [n for n, v in ours.items() if v is None] == [n for n, v in theirs.items() if v is None]
    for name, value in ours.items():
        if value is not None:
            np.testing.assert_allclose(theirs[name], value, rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("name", ["vae", "linear_vae", "semi_supervised_vae"])
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-5)])
def test_the_same_weights_and_codes_give_the_same_terms_in_both_backends(name, dtype, rtol):
    import jax
    import torch
    from numpyro.handlers import seed, substitute, trace

    from inference.objectives import in_numpyro, in_pyro
    from zoo._backend import in_numpyro as in_jax
    from zoo._backend import in_pyro as in_torch

    sizes = {"Z": 2, **({"C": 3} if name == "semi_supervised_vae" else {})}
    model = zoo.load(name, "numpyro", **sizes)
    drawn, objective = model.simulate(0), Objective("iwae", 2, "doubly_reparameterised")
    data = {n: np.asarray(drawn[n], float) for n in model.card.observed}
    if "label" in data:
        data["label"][::2] = np.nan
    z = np.random.default_rng(1).standard_normal(drawn["z"].shape)
    with in_jax.runtime(dtype):
        table, keywords = model.bind(data)
        inputs: Any = {**in_jax.to_backend(table), **in_jax.to_backend(keywords)}
        guide = guides.load(name, "numpyro")(model.program)
        nodes = trace(seed(guide, 0)).get_trace(**inputs) | trace(seed(model.program, 0)).get_trace(**inputs)
        params = {n: s["value"] for n, s in nodes.items() if s["type"] == "param"}
        program, at, key = model.program, substitute(guide, data=in_jax.to_backend({"z": z})), jax.random.PRNGKey(0)
        found = jax.jit(lambda p: in_numpyro.terms(program, at, p, key, inputs, Objective()))(params)
        value, metrics = jax.jit(lambda p: in_numpyro.bound(objective, program, at, p, key, inputs, BETA))(params)
        ours = told(found, value, metrics)
        params = in_jax.to_numpy(params)
    model = zoo.load(name, "pyro", **sizes)
    with in_torch.runtime(dtype), torch.no_grad():
        table, keywords = model.bind(data)
        inputs = {**in_torch.to_backend(table), **in_torch.to_backend(keywords)}
        InPyro.parameters(params)
        guide, codes = guides.load(name, "pyro")(model.program), in_torch.to_backend({"z": z})

        def at_codes(**inputs):
            with in_pyro.AtValues(codes):
                guide(**inputs)

        found = in_pyro.terms(model.program, at_codes, inputs, Objective())
        same(ours, told(found, *in_pyro.bound(objective, model.program, at_codes, inputs, BETA)), rtol)


# --- refusals ---


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"name": "elob"}, "no objective 'elob'; did you mean 'elbo'"),
        ({"gradient": "score"}, "no gradient 'score'"),
        ({"kl": "exact"}, "no kl 'exact'"),
        ({"num_particles": 0}, "num_particles is a whole number from 1 up; given 0"),
        ({"num_particles": 2.0}, "num_particles is a whole number from 1 up; given 2.0"),
        ({"gradient": "doubly_reparameterised"}, "is a gradient of iwae; that of elbo is sticking_the_landing"),
        ({"name": "iwae", "kl": "analytic"}, "has no analytic KL: kl='sampled', or elbo"),
        ({"kl": "analytic", "gradient": "sticking_the_landing"}, "no draw whose score could be left out"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(given, line):
    with pytest.raises(ZooError, match=line):
        Objective(**given)


def test_guides_without_a_gradient_are_refused(language):
    sample, plate, laws = language.say.sample, language.say.plate, language.laws
    half = 0.5

    def program(x, *, N):
        with plate("N", N):
            sample("z", laws.Normal(0.0 * x, 1.0))

    def rough(x, *, N):
        with plate("N", N):
            sample("z", Rough(0.0 * x, 1.0))

    def endless(x, *, N):
        with plate("N", N):
            sample("z", laws.Poisson(1.0 + 0.0 * x))

    def outside(x, *, N):
        sample("z", laws.Bernoulli(half + 0.0 * x))

    def nothing(x, *, N):
        sample("other", laws.Normal(0.0 * x, 1.0))

    class Rough(laws.Normal):
        has_rsample = False
        reparametrized_params = ["loc"]  # noqa: RUF012

    for guide, line in (
        (rough, "the guide draws z from Rough, which has no gradient"),
        (endless, "z has infinite support and cannot be enumerated"),
        (outside, "the guide's z is discrete and outside the plate N"),
        (nothing, "the guide has no site z: it must have one for each latent"),
    ):
        with pytest.raises(ZooError, match=line):
            language.terms(Objective(), (program, guide), {}, {"x": FOUR, "N": 4})


def test_rows_of_classes_are_in_no_other_plate(language):
    sample, plate, laws = language.say.sample, language.say.plate, language.laws

    def program(x, *, N):
        with plate("N", N):
            sample("y", laws.Bernoulli(0.5))
            with plate("T", 2):
                sample("x", laws.Normal(0.0, 1.0), obs=x)

    def guide(x, *, N):
        with plate("N", N):
            sample("y", laws.Bernoulli(0.5))

    with pytest.raises(ZooError, match="x is in more plates than N, beside a discrete latent"):
        language.terms(Objective(), (program, guide), {}, {"x": np.zeros((2, 4)), "N": 4})
