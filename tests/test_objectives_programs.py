"""Bounds of programs and guides with shared latents, classes of rows, factors, scales and plates; and refusals."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import guides
from inference.objectives import GRADIENTS, Objective
from inference.objectives.sites import CannotBroadcast, draw_site
from tests.objectives import (
    BACKEND_OBJECTIVES,
    CHAIN,
    ROWS,
    UNBIASED,
    Arrays,
    PyroObjectives,
    X,
    assert_unbiased,
    chain,
    expectation,
    log_mean_exp,
    normal_log,
    numerical_gradient,
    objective_id,
    repeat_rows,
)
from tests.programs import conjugate, evidence, sums
from tests.table import BACKENDS
from zoo import ZooError


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    return BACKEND_OBJECTIVES[request.param]()


# --- a latent that rows share: u ~ N(0, 1), z ~ N(u, 1), x ~ N(z, 1); q(u) = N(a, b), q(z | u) = N(c u + d, s) ---

SHARED_LATENT = {"a": 0.4, "b": 0.6, "c": 0.5, "d": 0.3, "s": 0.8}
FOUR = np.array([1.2, -0.3, 0.8, 2.0])


@cache
def shared_latent(backend):
    sample, plate, param, Normal = backend.statements

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

    def bound(g, e, f):
        u = p["a"] + p["b"] * g
        rows = sum(log_mean_exp(weight(u, e, x), weight(u, f, x)) for x in FOUR)
        return rows + normal_log(u, 0, 1) - normal_log(u, p["a"], p["b"])

    return expectation(bound, 3, 24)


@pytest.mark.parametrize("gradient", ["reparameterised", "doubly_reparameterised"])
def test_the_weighted_bound_is_unbiased_with_batches_and_a_shared_latent(backend, gradient):
    truth, halves = numerical_gradient(shared_bound, SHARED_LATENT), []
    for rows in ([0, 1], [2, 3]):
        inputs = {"x": FOUR[rows], "N": 4}
        halves.append(
            backend.bounds(
                Objective("iwae", 2, gradient), shared_latent(backend), SHARED_LATENT, inputs, 1.0, 500, rows
            )
        )
    assert_unbiased((halves[0][0] + halves[1][0]) / 2, shared_bound(SHARED_LATENT))
    assert_unbiased((halves[0][1]["iwae"] + halves[1][1]["iwae"]) / 2, shared_bound(SHARED_LATENT))
    for name, expected in truth.items():
        assert_unbiased((halves[0][2][name] + halves[1][2][name]) / 2, expected, name)


def test_the_analytic_kl_covers_shared_latents(backend):
    terms = backend.terms(Objective(kl="analytic"), shared_latent(backend), SHARED_LATENT, {"x": FOUR, "N": 4})
    a, b = SHARED_LATENT["a"], SHARED_LATENT["b"]
    assert terms.kl_rest == pytest.approx(0.5 * (a**2 + b**2 - 1) - np.log(b))
    assert terms.prior is None
    assert np.ptp(terms.kl) < 1e-12


# --- a class of each row: y ~ Cat(pi), z ~ N(mu_y, 1), x ~ N(z, 1); q(y), q(z | y) = N(d + c mu_y, s); labels ---

CLASSES = {"w": np.array([0.5, -0.2, 0.1]), "c": 0.6, "d": 0.2, "s": 0.8}
PI, MU = np.array([0.2, 0.3, 0.5]), np.array([-1.0, 0.0, 2.0])


@cache
def class_of_row(backend, class_last=False):
    sample, plate, param, factor = (getattr(backend.primitives, n) for n in ("sample", "plate", "param", "factor"))
    Normal, Categorical, np_ = backend.distributions.Normal, backend.distributions.Categorical, backend.np

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
            if class_last:
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

    def class_bound(p, y):
        if name == "elbo":
            return expectation(lambda e: weight(p, y, e), 1, 40)
        return expectation(lambda e, f: log_mean_exp(weight(p, y, e), weight(p, y, f)), 2, 40)

    def bound(p):
        q = np.exp(p["w"] - np.logaddexp.reduce(p["w"]))
        if label >= 0:
            return class_bound(p, label)
        return sum(q[y] * (class_bound(p, y) - np.log(q[y])) for y in range(3))

    return bound


@pytest.mark.parametrize(
    "objective",
    [Objective(), Objective(kl="analytic"), Objective("iwae", 2), Objective("iwae", 2, "doubly_reparameterised")],
    ids=objective_id,
)
def test_discrete_latents_of_rows_are_enumerated(backend, objective):
    half = ROWS // 2
    inputs = {"x": np.full(ROWS, X), "label": np.repeat([-1, 1], half), "N": ROWS}
    terms = backend.terms(objective, class_of_row(backend), repeat_rows(CLASSES), inputs)
    assert terms.likelihood.shape == (objective.num_particles, 3, ROWS)
    np.testing.assert_allclose(terms.probability.sum(1), 1)
    rows = terms.likelihood - terms.kl
    rows = (terms.probability[0] * (log_mean_exp(*rows) if objective.name == "iwae" else rows.mean(0))).sum(0)
    values, metrics, slopes = backend.bounds(objective, class_of_row(backend), repeat_rows(CLASSES), inputs)
    assert np.isfinite([values, *metrics.values()]).all()
    for part, label in ((slice(None, half), -1), (slice(half, None), 1)):
        truth = classes_bound(objective.name, label)
        assert_unbiased(rows[part], truth(CLASSES))
        for name, expected in numerical_gradient(truth, CLASSES).items():
            assert_unbiased(slopes[name][0, part], expected, name)
    assert not slopes["w"][0, half:].any()


def test_a_class_drawn_after_a_continuous_latent_is_enumerated_for_each_draw(backend):
    inputs = {"x": np.full(ROWS, X), "label": np.full(ROWS, -1), "N": ROWS}

    def truth(e):
        z = CLASSES["d"] + CLASSES["s"] * e
        logits = CLASSES["w"][:, None] + z
        q = np.exp(logits - np.logaddexp.reduce(logits))
        rest = normal_log(X, z, 1) - normal_log(e, 0, 1) + np.log(CLASSES["s"])
        return rest + (q * (normal_log(z, MU[:, None], 1) + np.log(PI)[:, None] - np.log(q))).sum(0)

    class_last = class_of_row(backend, class_last=True)
    terms = backend.terms(Objective("elbo", 2), class_last, repeat_rows(CLASSES), inputs)
    assert_unbiased((terms.probability * (terms.likelihood - terms.kl)).sum(1).mean(0), expectation(truth, 1, 40))
    with pytest.raises(ZooError, match="iwae weighs draws given y: let the guide have it before z"):
        backend.terms(
            Objective("iwae", 2), class_last, repeat_rows(CLASSES, 3), {"x": FOUR[:3], "label": np.full(3, -1), "N": 3}
        )


# --- guides of a vector of free numbers ---


@pytest.mark.parametrize(
    "objective", [Objective("elbo", 3, "sticking_the_landing"), *UNBIASED[3:], UNBIASED[0]], ids=objective_id
)
def test_the_bound_is_the_evidence_where_the_guide_is_the_posterior(backend, objective):
    name = "pyro" if isinstance(backend, PyroObjectives) else "numpyro"
    program, inputs = conjugate(name).program, {"y": sums(), "N": 20}
    guide = guides.load("full_rank", name)(program)
    values, metrics, slopes = backend.bounds(objective, (program, set_up(name, guide, inputs)), FREE, inputs, 1.0, 5)
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


def test_a_guide_without_local_latents_has_one_weight_for_all_rows(backend):
    """A latent of the rows outside of the plate N of the guide: the weights are those of all rows."""
    sample, param, Normal = backend.primitives.sample, backend.primitives.param, backend.distributions.Normal
    program, _ = shared_latent(backend)

    def guide(x, *, N):
        u = sample("u", Normal(param("a"), param("b")))
        sample("z", Normal(param("c") * u + param("d") + 0.0 * x, param("s")).to_event(1))

    inputs = {"x": FOUR, "N": 4}
    terms = backend.terms(Objective("iwae", 5), (program, guide), SHARED_LATENT, inputs)
    assert terms.likelihood.shape == (5, 4)
    assert terms.guide_rest.shape == (5,)
    values, metrics, _ = backend.bounds(Objective("iwae", 5), (program, guide), SHARED_LATENT, inputs)
    weights = (terms.likelihood - terms.kl).sum(-1) + terms.likelihood_rest - terms.kl_rest
    assert metrics["elbo"] == pytest.approx(weights.mean())  # of the same draws
    assert values == pytest.approx(log_mean_exp(*weights))
    with pytest.raises(ZooError, match="iwae is biased by batches where the rows have no latents of their own"):
        backend.bounds(Objective("iwae", 2), (program, guide), SHARED_LATENT, {"x": FOUR[:2], "N": 4}, rows=[0, 1])


# --- what else programs and guides may have ---


def test_factors_of_the_guide_are_in_the_value_and_not_in_the_metrics(backend):
    program, guide = chain(backend)

    def with_factor(x, *, N):
        guide(x, N=N)
        with backend.primitives.plate("N", N):
            backend.primitives.factor("help", 2.0 * backend.primitives.param("m"))

    inputs, params = {"x": np.full(4, X)[:2], "N": 4}, repeat_rows(CHAIN, 2)
    objective = Objective("iwae", 2, "doubly_reparameterised")
    values, metrics, slopes = backend.bounds(objective, (program, with_factor), params, inputs, 1.0, 1, [0, 1])
    assert values - metrics["iwae"] == pytest.approx(-2 * 2.0 * 2 * CHAIN["m"])  # N / B times two rows
    bare = backend.bounds(objective, (program, guide), params, inputs, 1.0, 1, [0, 1])[2]
    np.testing.assert_allclose(slopes["m"] - bare["m"], -4.0, rtol=1e-9)


def test_scales_of_the_program_multiply_those_of_batches(backend):
    program, guide = chain(backend)

    def scaled(x, *, N):
        with backend.primitives.scale(scale=backend.np.asarray(0.25)):
            program(x, N=N)

    inputs, params = {"x": np.full(2, X), "N": 4}, repeat_rows(CHAIN, 2)
    full, quarter = (
        backend.bounds(Objective(), (p, guide), params, inputs, 1.0, 1, [0, 1])[1] for p in (program, scaled)
    )
    np.testing.assert_allclose(quarter["reconstruction"], full["reconstruction"] / 4, rtol=1e-12)


def test_marginalised_latents_of_the_program_count_as_likelihood(backend):
    from zoo._backend import in_backend

    sample, param, Normal = backend.primitives.sample, backend.primitives.param, backend.distributions.Normal
    name = "pyro" if isinstance(backend, PyroObjectives) else "numpyro"

    def mixture(x, *, N):
        with backend.primitives.plate("N", N):
            z = sample("z", Normal(0.0 * x, 1.0))
            y = sample("y", backend.distributions.Bernoulli(0.3))
            sample("x", Normal(z + 2.0 * y, 1.0), obs=x)

    def guide(x, *, N):
        with backend.primitives.plate("N", N):
            sample("z", Normal(param("m"), param("s")))

    def row(e, x):
        z = 0.3 + 0.9 * e
        seen = np.logaddexp(np.log(0.7) + normal_log(x, z, 1), np.log(0.3) + normal_log(x, z + 2, 1))
        return seen + normal_log(z, 0, 1) - normal_log(e, 0, 1) + np.log(0.9)

    pair = in_backend("inference.exact.enumeration", name).marginalize(mixture), guide
    truth = 2 * sum(expectation(lambda e, x=x: row(e, x), 1, 40) for x in FOUR[:2])
    params, inputs = repeat_rows({"m": 0.3, "s": 0.9}, 2), {"x": FOUR[:2], "N": 4}
    with pytest.raises(ZooError, match="iwae weighs each row by itself, but what is outside the plate N depends on"):
        backend.bounds(Objective("iwae", 2), pair, params, {"x": FOUR[:2], "N": 2})
    for K in (1, 2):
        values, metrics, _ = backend.bounds(Objective("elbo", K), pair, params, inputs, 1.0, 200, [0, 1])
        assert_unbiased(values, truth)
        assert_unbiased(metrics["elbo"], truth)


def test_rows_may_contain_another_plate(backend):
    sample, plate, param, Normal = backend.statements

    def program(x, *, N, T):
        with plate("N", N), plate("T", T):
            z = sample("z", Normal(0.0 * x, 1.0))
            sample("x", Normal(z, 1.0), obs=x)

    def guide(x, *, N, T):
        with plate("N", N), plate("T", T):
            sample("z", Normal(param("m") + 0.0 * x, param("s")))

    inputs, params = {"x": np.full((2, ROWS), X), "N": ROWS, "T": 2}, {"m": np.full(ROWS, 0.3), "s": np.full(ROWS, 0.9)}

    def row(a, b):
        z = np.array([0.3 + 0.9 * a, 0.3 + 0.9 * b])
        return (normal_log(X, z, 1) + normal_log(z, 0, 1)).sum(0) - normal_log(a, 0, 1) - normal_log(b, 0, 1)

    truth = expectation(lambda a, b, c, d: log_mean_exp(row(a, b), row(c, d)), 4, 16) + 2 * np.log(0.9)
    terms = backend.terms(Objective("iwae", 2), (program, guide), params, inputs)
    assert_unbiased(log_mean_exp(*(terms.likelihood - terms.kl)), truth)
    quiet, loud = (
        backend.bounds(Objective("iwae", 2, g), (program, guide), params, inputs)[2]["m"][0]
        for g in (GRADIENTS[2], GRADIENTS[0])
    )
    assert_unbiased(quiet - loud, 0.0)


def test_guides_without_a_gradient_are_refused(backend):
    sample, plate, distributions = backend.primitives.sample, backend.primitives.plate, backend.distributions

    def program(x, *, N):
        with plate("N", N):
            sample("z", distributions.Normal(0.0 * x, 1.0))

    def rough(x, *, N):
        with plate("N", N):
            sample("z", Rough(0.0 * x, 1.0))

    def nothing(x, *, N):
        sample("other", distributions.Normal(0.0 * x, 1.0))

    class Rough(distributions.Normal):
        has_rsample = False
        reparametrized_params = ["loc"]  # noqa: RUF012

    for guide, line in (
        (rough, "the guide draws z from Rough, which has no gradient"),
        (nothing, "the guide has no site z: it must have one for each latent"),
    ):
        with pytest.raises(ZooError, match=line):
            backend.terms(Objective(), (program, guide), {}, {"x": FOUR, "N": 4})


def test_other_plates_beside_a_class_of_the_row_are_refused(backend):
    sample, plate, distributions = backend.primitives.sample, backend.primitives.plate, backend.distributions

    def program(x, *, N):
        with plate("N", N):
            sample("y", distributions.Bernoulli(0.5))
            with plate("T", 2):
                sample("x", distributions.Normal(0.0, 1.0), obs=x)

    def guide(x, *, N):
        with plate("N", N):
            sample("y", distributions.Bernoulli(0.5))

    with pytest.raises(ZooError, match="x is in more plates than N, beside a discrete latent"):
        backend.terms(Objective(), (program, guide), {}, {"x": np.zeros((2, 4)), "N": 4})


@pytest.mark.parametrize("name", BACKENDS)
def test_draws_are_one_dimension_only_of_latents_in_the_plate_of_the_rows_alone(name):
    from zoo._backend import in_backend

    backend, traced = BACKEND_OBJECTIVES[name](), in_backend("inference.objectives", name).traced
    sample, plate, _, Normal = backend.statements

    def guide(N, T):
        with plate("N", N):
            z = sample("z", Normal(backend.np.zeros(N), 1.0))
            sample("t", Normal(z, 1.0))
            with plate("T", T):
                sample("u", Normal(backend.np.zeros(N), 1.0))

    arguments = () if name == "pyro" else (np.zeros(2, np.uint32),)
    run = traced(guide, {"u": backend.np.zeros((2, 4))}, *arguments, {"N": 4, "T": 2}, draw_site, (3,))
    assert [tuple(run.sites[n]["value"].shape) for n in "zt"] == [(3, 4), (3, 4)]
    with pytest.raises(CannotBroadcast, match="draws of u cannot be one more dimension"):
        traced(guide, {}, *arguments, {"N": 4, "T": 2}, draw_site, (3,))
