"""Estimators of gradients through discrete draws: means and variances in closed form, by listing every outcome."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import inference
import zoo
from inference.objectives import Objective, estimators
from inference.objectives.estimators import arm, disarm, reinforce, rloo
from tests.objectives import BACKEND_OBJECTIVES, ROWS
from tests.table import BACKENDS, SLOW_IN_NUMPYRO

NOTHING: Any = None  # these signals depend on the objective alone
ALPHA = (-2.0, -0.3, 0.0, 0.7, 3.0)
rng = np.random.default_rng(0)
Z = 6
LOGITS, COUPLING, LINEAR = rng.normal(size=Z), rng.normal(size=(Z, Z)), rng.normal(size=Z)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


def objective(b):
    """A function of coupled numbers."""
    return b @ COUPLING @ b + LINEAR @ b + 1.5


def intervals(p):
    """Of one Bernoulli number: (probability, uniform number in the middle, b, c) for each interval of the uniform."""
    cuts = sorted({0.0, min(p, 1 - p), max(p, 1 - p), 1.0})
    middles = [((low + high) / 2, high - low) for low, high in itertools.pairwise(cuts)]
    return [(width, u, float(u > 1 - p), float(u < p)) for u, width in middles]


def moments(outcomes):
    """Mean and variance of (probability, value) pairs."""
    probability, value = map(np.array, zip(*outcomes, strict=True))
    assert probability.sum() == pytest.approx(1.0)
    mean = probability @ value
    return mean, probability @ (value - mean) ** 2


@pytest.mark.parametrize("alpha", ALPHA)
def test_one_bernoulli_has_the_moments_of_its_closed_form(alpha):
    p, f0, f1, baseline = float(sigmoid(alpha)), 0.4, 2.1, 0.8
    delta, m, M = f1 - f0, min(p, 1 - p), max(p, 1 - p)
    exact, f = p * (1 - p) * delta, np.array([f0, f1])
    q, score = np.array([1 - p, p]), np.array([-p, 1 - p])  # score: the derivative of log q by the logit

    weighed = reinforce.Reinforce(baseline=baseline)
    mean, variance = moments([(q[b], weighed.signal(f[b : b + 1], NOTHING)[0] * score[b]) for b in (0, 1)])
    assert mean == pytest.approx(exact, abs=1e-10)
    assert variance == pytest.approx(p * (1 - p) * ((1 - p) * f1 + p * f0 - baseline) ** 2, abs=1e-10)

    pairs = list(itertools.product((0, 1), repeat=2))
    mean, variance = moments(
        [(q[a] * q[b], (rloo.LeaveOneOut().signal(f[[a, b]], NOTHING) * score[[a, b]]).mean()) for a, b in pairs]
    )
    assert mean == pytest.approx(exact, abs=1e-10)
    assert variance == pytest.approx(delta**2 * p * (1 - p) * (0.5 - p * (1 - p)), abs=1e-10)

    outcomes = [(w, (f[int(b)] - f[int(c)]) * disarm.DisARM().slope(u, p, b, c)) for w, u, b, c in intervals(p)]
    mean, variance = moments(outcomes)
    assert mean == pytest.approx(exact, abs=1e-10)
    assert variance == pytest.approx(delta**2 * p * (1 - p) * (0.5 * M - p * (1 - p)), abs=1e-10)

    # the slope of ARM is linear in the uniform number: Gauss-Legendre of two points is exact for its square
    nodes = np.array([-1, 1]) / np.sqrt(3)
    outcomes = []
    for width, u, b, c in intervals(p):
        for node in nodes:
            slope = arm.ARM().slope(u + node * width / 2, p, b, c)
            outcomes.append((width / 2, (f[int(b)] - f[int(c)]) * slope))
    mean, variance = moments(outcomes)
    assert mean == pytest.approx(exact, abs=1e-10)
    assert variance == pytest.approx(delta**2 * ((1 - (1 - 2 * m) ** 3) / 12 - p**2 * (1 - p) ** 2), abs=1e-10)


def exact_gradient():
    p = sigmoid(LOGITS)
    values = np.array(list(itertools.product((0.0, 1.0), repeat=Z)))
    q = np.prod(np.where(values == 1, p, 1 - p), axis=1)
    f = np.array([objective(b) for b in values])
    return values, q, f, (q * f) @ (values - p)


def test_leave_one_out_of_coupled_numbers_has_the_exact_mean():
    values, q, f, exact = exact_gradient()
    scores = values - sigmoid(LOGITS)
    signals = rloo.LeaveOneOut().signal(np.stack(np.broadcast_arrays(f[:, None], f[None, :])), NOTHING)
    mean = np.einsum("a,b,ab,ai->i", q, q, signals[0], scores) / 2
    mean += np.einsum("a,b,ab,bi->i", q, q, signals[1], scores) / 2
    np.testing.assert_allclose(mean, exact, atol=1e-10)


@pytest.mark.parametrize("estimator", [disarm.DisARM(), arm.ARM()], ids=lambda e: e.name)
def test_coupled_draws_of_coupled_numbers_have_the_exact_mean(estimator):
    *_, exact = exact_gradient()
    p, mean = sigmoid(LOGITS), np.zeros(Z)
    for outcome in itertools.product(*(intervals(float(one)) for one in p)):
        width, u, b, c = map(np.array, zip(*outcome, strict=True))
        mean += width.prod() * (objective(b) - objective(c)) * estimator.slope(u, p, b, c)
    np.testing.assert_allclose(mean, exact, atol=1e-10)


def test_every_estimator_declares_what_it_is():
    for name, kind in estimators.all_estimators().items():
        assert kind.name == name
        assert kind.citation
        assert set(kind.kinds) <= {"binary", "category", "one_hot", "count"}
        assert set(kind.bounds) <= {"elbo", "iwae"}


# --- on programs and guides of both backends: rows with parameters of their own, each an independent gradient ---

X = 0.7
PROBS = np.array([0.2, 0.5, 0.3])


def one_hot_categorical(backend):
    if not hasattr(backend.distributions, "OneHotCategorical"):
        from zoo._distributions.one_hot.in_numpyro import OneHotCategorical

        return OneHotCategorical
    return backend.distributions.OneHotCategorical


def program_and_guide(backend, kind):
    """A program of coupled numbers with the guide: of one site, of two in sequence, or of one for all rows."""
    sample, plate, param, Normal = backend.statements
    Bernoulli, xp = backend.distributions.Bernoulli, backend.np
    weights, OneHotCategorical = xp.asarray(LINEAR[:3]), one_hot_categorical(backend)

    def mean(z):
        return (z * weights).sum(-1) + 0.9 * z[..., 0] * z[..., 1]

    def program(x, *, N):
        with plate("N", N):
            if kind == "sequence":
                z1 = sample("z1", Bernoulli(0.4))
                z2 = sample("z2", Bernoulli(0.2 + 0.5 * z1))
                sample("x", Normal(1.3 * z1 - 0.8 * z2 + z1 * z2, 1.0), obs=x)
            elif kind == "one-hot":
                z = sample("z", OneHotCategorical(probs=xp.asarray(PROBS)))
                sample("x", Normal((z * weights).sum(-1), 1.0), obs=x)
            elif kind == "mixed":
                z = sample("z1", Bernoulli(0.4))
                c = sample("c", Normal(1.0 * z, 1.0))
                sample("x", Normal(c + z, 1.0), obs=x)
            else:
                z = sample("z", Bernoulli(xp.full((3,), 0.4)).to_event(1))
                sample("x", Normal(mean(z), 1.0), obs=x)

    def guide(x, *, N):
        logits = param("logits")
        with plate("N", N):
            if kind == "sequence":
                z1 = sample("z1", Bernoulli(logits=logits[:, 0]))
                sample("z2", Bernoulli(logits=logits[:, 1] + logits[:, 2] * z1))
            elif kind == "one-hot":
                sample("z", OneHotCategorical(logits=logits))
            elif kind == "mixed":
                z = sample("z1", Bernoulli(logits=logits[:, 0]))
                sample("c", Normal(logits[:, 1] + z * logits[:, 2], 0.8))
            else:
                sample("z", Bernoulli(logits=logits).to_event(1))

    return program, guide


def normal_log(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


def bernoulli_log(z, p):
    return np.where(z == 1, np.log(p), np.log(1 - p))


def log_weights(kind, logits):
    """(log p(x, z) - log q(z), q(z)) of every value of the discrete latents, a continuous one integrated out."""
    if kind == "event":
        z = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
        log_q = bernoulli_log(z, sigmoid(logits)).sum(-1)
        mean = z @ LINEAR[:3] + 0.9 * z[:, 0] * z[:, 1]
        return bernoulli_log(z, 0.4).sum(-1) + normal_log(X, mean, 1.0) - log_q, np.exp(log_q)
    if kind == "one-hot":
        log_q = logits - np.log(np.exp(logits).sum())
        return np.log(PROBS) + normal_log(X, LINEAR[:3], 1.0) - log_q, np.exp(log_q)
    if kind == "sequence":
        z = np.array(list(itertools.product((0.0, 1.0), repeat=2)))
        log_q = bernoulli_log(z[:, 0], sigmoid(logits[0]))
        log_q = log_q + bernoulli_log(z[:, 1], sigmoid(logits[1] + logits[2] * z[:, 0]))
        mean = 1.3 * z[:, 0] - 0.8 * z[:, 1] + z[:, 0] * z[:, 1]
        prior = bernoulli_log(z[:, 0], 0.4) + bernoulli_log(z[:, 1], 0.2 + 0.5 * z[:, 0])
        return prior + normal_log(X, mean, 1.0) - log_q, np.exp(log_q)
    z = np.array([0.0, 1.0])
    loc, sd = logits[1] + z * logits[2], 0.8
    log_q = bernoulli_log(z, sigmoid(logits[0]))
    expected = -0.5 * ((X - loc - z) ** 2 + sd**2) - 0.5 * np.log(2 * np.pi)
    kl = 0.5 * (sd**2 + (loc - z) ** 2 - 1) - np.log(sd)
    return bernoulli_log(z, 0.4) + expected - kl - log_q, np.exp(log_q)


def exact_bound(kind, logits, name, K):
    weights, q = log_weights(kind, logits)
    if name == "elbo":
        return q @ weights
    total = 0.0
    for draws in itertools.product(range(len(q)), repeat=K):
        chosen = weights[list(draws)]
        total += q[list(draws)].prod() * (np.log(np.exp(chosen - chosen.max()).mean()) + chosen.max())
    return total


def exact_slopes(kind, logits, name, K):
    step = 1e-5
    return np.array(
        [(exact_bound(kind, logits + e, name, K) - exact_bound(kind, logits - e, name, K)) / (2 * step)
         for e in step * np.eye(len(logits))]
    )  # fmt: skip


CASES = [
    ("event", "elbo", 1, "reinforce"), ("event", "elbo", 2, "rloo"), ("event", "elbo", 3, "rloo"),
    ("event", "elbo", 1, "disarm"), ("event", "elbo", 2, "arm"), ("event", "elbo", 1, "auto"),
    ("sequence", "elbo", 1, "disarm"), ("sequence", "elbo", 2, "rloo"),
    ("sequence", "elbo", 2, {"z1": "disarm", "z2": "rloo"}),
    ("mixed", "elbo", 1, "disarm"), ("mixed", "elbo", 2, "rloo"),
    ("event", "elbo", 1, "muprop"), ("event", "elbo", 1, "rebar"), ("event", "elbo", 1, "relax"),
    ("event", "elbo", 1, "reinforce(baseline='network')"), ("event", "elbo", 1, "reinforce(baseline='running_mean')"),
    ("sequence", "elbo", 1, "muprop"), ("sequence", "elbo", 1, "rebar"),
    ("sequence", "elbo", 1, {"z1": "rebar(rate=0)", "z2": "disarm"}), ("mixed", "elbo", 1, "rebar"),
    ("one-hot", "elbo", 2, "rloo"), ("one-hot", "elbo", 1, "muprop"), ("one-hot", "elbo", 1, "rebar"),
    ("one-hot", "elbo", 1, "relax"), ("one-hot", "iwae", 2, "rloo"),
    ("event", "iwae", 2, "rloo"), ("event", "iwae", 3, "reinforce"), ("sequence", "iwae", 3, "rloo"),
]  # fmt: skip
LOGITS_OF_ROWS = np.array([0.4, -0.6, 1.1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "name", "K", "given"), CASES, ids=str)
def test_gradients_of_programs_are_unbiased(kind, name, K, given, backend):
    chosen = tuple(estimators.by_site(given).items())
    objective = Objective(name, K, estimators=chosen)
    here = BACKEND_OBJECTIVES[backend]()
    inputs = {"x": np.full(ROWS, X), "N": ROWS}
    values, metrics, slopes = here.bounds(
        objective, program_and_guide(here, kind), {"logits": np.tile(LOGITS_OF_ROWS, (ROWS, 1))}, inputs
    )
    slope = slopes["logits"][0]
    error = slope.std(0) / np.sqrt(ROWS)
    exact = exact_slopes(kind, LOGITS_OF_ROWS, name, K)
    assert np.abs(slope.mean(0) - exact).max() < 4.5 * error.max()
    assert (np.abs(slope.mean(0) - exact) < 4.5 * error + 1e-12).all()
    assert error.max() < 0.05  # so that a wrong sign or factor fails
    assert values[0] / ROWS == pytest.approx(exact_bound(kind, LOGITS_OF_ROWS, name, K), abs=0.05)
    assert metrics[name][0] == pytest.approx(values[0])


# --- svi with a guide that draws a class and a normal latent given it, whose posterior is known ---

PRIOR = np.array([0.2, 0.8])
MEASURED = np.array([1.9, 0.4, 1.2, 1.6])


def class_and_mean(backend):
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, _, Normal = here.statements
    Bernoulli, xp = here.distributions.Bernoulli, here.np
    if backend == "numpyro":
        from numpyro import param
    else:
        from pyro import param

    def program(measured):
        k = sample("k", Bernoulli(PRIOR[1]))
        m = sample("m", Normal(1.0 * k, 0.5))
        with plate("rows", len(measured)):
            sample("measured", Normal(m, 1.0), obs=measured)

    def guide(measured):
        k = sample("k", Bernoulli(logits=param("logit", xp.zeros(()))))
        loc, log_sd = param("loc", xp.zeros(2)), param("log_sd", xp.zeros(2))
        pick = lambda array: array[0] * (1 - k) + array[1] * k  # noqa: E731
        sample("m", Normal(pick(loc), xp.exp(pick(log_sd))))

    return zoo.Model(program, backend=backend), guide


OTHERS = ("reinforce(baseline='running_mean')", "muprop")
REST = [pytest.param("numpyro", gradient, marks=pytest.mark.slow) for gradient in ("rloo", "arm", "rebar", "relax")]
# the others have the same runs in Pyro, and unbiased gradients above in both languages
IN_PYRO = pytest.param("pyro", "disarm", marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("backend", "gradient"),
    [("numpyro", "disarm"), *[("numpyro", gradient) for gradient in OTHERS], *REST, IN_PYRO],
)
def test_svi_reaches_the_exact_posterior(backend, gradient):
    model, guide = class_and_mean(backend)
    is_short = backend == "pyro"  # with so little noise as that of DisARM few steps are enough
    steps = 800 if is_short else 4000
    schedule = lambda step: 0.1 / (1 + (step / (steps / 10)) ** 1.5)  # noqa: E731
    fit = inference.fit(
        model, MEASURED, engine="svi", guide=guide, gradient=gradient, num_steps=steps,
        num_particles=2 if is_short else 4, learning_rate=schedule, weight_average=0.99,
        num_draws=300 if is_short else 1000,
    )  # fmt: skip
    n, precision = len(MEASURED), 4.0 + len(MEASURED)
    loc = (4.0 * np.arange(2) + MEASURED.sum()) / precision
    covariance = np.eye(n) + 0.25
    evidence = [PRIOR[k] * multivariate_normal.pdf(MEASURED, np.full(n, float(k)), covariance) for k in (0, 1)]
    logit = np.log(evidence[1] / evidence[0])
    assert fit.state["logit"] == pytest.approx(logit, abs=0.15)
    np.testing.assert_allclose(fit.state["loc"], loc, atol=0.1)
    np.testing.assert_allclose(np.exp(fit.state["log_sd"]), precision**-0.5, atol=0.05)
    assert fit.diagnostics["elbo"] == pytest.approx(np.log(sum(evidence)), abs=0.02)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradient": "disram"}, "did you mean 'disarm'"),
        ({"gradient": "rloo"}, "rloo takes 2 draws or more in each step: num_particles=2; given 1"),
        ({"gradient": {"m": "rloo"}, "num_particles": 2}, "rloo is for discrete sites, and m is continuous"),
        ({"gradient": {"z": "rloo"}, "num_particles": 2}, "no site of the guide 'z'"),
        ({"gradient": "enumerate"}, "outside the plate N and cannot be enumerated: take 'rloo' or 'disarm'"),
        ({"gradient": "arm", "objective": "iwae", "num_particles": 2}, "iwae takes .*rloo"),
        ({"gradient": 3}, "a word, an estimator or a dict of these by site"),
    ],
    ids=str,
)
def test_an_estimator_that_does_not_suit_a_site_is_refused(options, message, backend):
    model, guide = class_and_mean(backend)
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.fit(model, MEASURED, engine="svi", guide=guide, num_steps=5, **options)
    assert "\n" not in str(caught.value)


# --- relaxations: the bias falls with the temperature, and is 0 where the objective is linear ---


def slopes_of(backend, pair, gradient, rows=ROWS):
    """(rows, 3): the gradient of each row by its own logits."""
    here = BACKEND_OBJECTIVES[backend]()
    objective = Objective("elbo", 1, estimators=tuple(estimators.by_site(gradient).items()))
    inputs = {"x": np.full(rows, X), "N": rows}
    _, _, slopes = here.bounds(objective, pair(here), {"logits": np.tile(LOGITS_OF_ROWS, (rows, 1))}, inputs)
    return slopes["logits"][0]


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
@pytest.mark.parametrize("kind", ["event", "one-hot"])
@pytest.mark.parametrize("name", ["gumbel_softmax", "straight_through_gumbel"])
def test_the_bias_of_relaxed_draws_falls_with_the_temperature(name, kind, backend):
    exact, biases, spreads = exact_slopes(kind, LOGITS_OF_ROWS, "elbo", 1), [], []
    for temperature in (2.0, 0.7, 0.1):
        slope = slopes_of(backend, lambda here: program_and_guide(here, kind), f"{name}(temperature={temperature})")
        biases.append(np.linalg.norm(slope.mean(0) - exact))
        spreads.append(slope.var(0).sum())
    error = np.sqrt(spreads[-1] / ROWS)
    assert biases[0] > biases[-1] + 4.5 * error
    assert biases[-1] < 0.15 * np.linalg.norm(exact) + 4.5 * error
    assert spreads[0] < spreads[1] < spreads[2]


@pytest.mark.parametrize("backend", BACKENDS)
def test_straight_through_is_exact_for_a_linear_objective(backend):
    def linear(here):
        sample, plate, param, _ = here.statements
        Bernoulli, xp = here.distributions.Bernoulli, here.np

        def program(x, *, N):
            with plate("N", N):
                z = sample("z", Bernoulli(xp.full((3,), 0.4)).to_event(1))
                here.primitives.factor("x", (z * xp.asarray(LINEAR[:3])).sum(-1))

        def guide(x, *, N):
            with plate("N", N):
                sample("z", Bernoulli(logits=param("logits")).to_event(1))

        return program, guide

    q = sigmoid(LOGITS_OF_ROWS)
    exact = (LINEAR[:3] + np.log(0.4 / 0.6) - LOGITS_OF_ROWS) * q * (1 - q)
    slope = slopes_of(backend, linear, "straight_through", rows=20)
    np.testing.assert_allclose(slope, np.tile(exact, (20, 1)), rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_relaxed_densities_are_those_of_relaxed_draws(backend):
    # with equal logits of program and guide the KL divergence of relaxed draws is 0 at every draw
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, param, Normal = here.statements
    Bernoulli, xp = here.distributions.Bernoulli, here.np

    def program(x, *, N):
        with plate("N", N):
            sample("z", Bernoulli(logits=xp.asarray(LOGITS_OF_ROWS)).to_event(1))
            sample("x", Normal(0.0, 1.0), obs=x)

    def guide(x, *, N):
        with plate("N", N):
            sample("z", Bernoulli(logits=param("logits")).to_event(1))

    gradient = estimators.by_site("gumbel_softmax(temperature=0.4, kl='relaxed')")
    objective = Objective("elbo", 1, estimators=tuple(gradient.items()))
    _, metrics, _ = here.bounds(
        objective, (program, guide), {"logits": np.tile(LOGITS_OF_ROWS, (9, 1))}, {"x": np.full(9, X), "N": 9}
    )
    assert metrics["kl"][0] == pytest.approx(0.0, abs=1e-10)
