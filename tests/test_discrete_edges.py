"""Discrete latents at the edges, in users' programs and guides: partly observed, without bound, in sequence, alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp, softmax
from scipy.stats import norm, poisson

import inference
import zoo
from tests.table import BACKENDS
from tests.user_guides import library

X = np.array([-1.2, 0.3, 0.8, 2.1, 1.0, -0.4])
KNOWN = np.array([True, False, True, False, False, True])
LABELS = np.array([0, 0, 1, 0, 0, 1])
NUM_DRAWS = 200
ELBO_GAP = 0.03  # nats below the evidence, at most, after training


def names_of(backend: str) -> Any:
    """The names that the programs take of one library."""
    at = library(backend)
    if backend == "numpyro":
        import jax.numpy as jnp
        from numpyro import handlers
        from numpyro.distributions import constraints

        return SimpleNamespace(**vars(at), exp=jnp.exp, mask=lambda m: handlers.mask(mask=m), constraints=constraints)
    import torch
    from pyro import poutine
    from torch.distributions import constraints

    return SimpleNamespace(**vars(at), exp=torch.exp, mask=lambda m: poutine.mask(mask=m), constraints=constraints)


def trained(backend: str, program: Any, guide: Any, *arguments: Any, **options: Any) -> inference.Fit:
    """SVI with steps that become smaller and an average of the last ones."""
    steps = options.setdefault("num_steps", 1500)
    schedule = lambda step: 0.1 / (1 + step / (steps / 10))  # noqa: E731
    options = {"learning_rate": schedule, "weight_average": 0.99, "num_draws": NUM_DRAWS, **options}
    return inference.fit(zoo.Model(program, backend=backend), *arguments, engine="svi", guide=guide, **options)


def check_elbo(fit: inference.Fit, evidence: float) -> None:
    """The ELBO is below the evidence by less than ``ELBO_GAP``, up to the error of its draws."""
    gap, error = evidence - fit.diagnostics["elbo"], fit.diagnostics["elbo_se"]
    assert -5 * error - 1e-9 < gap < ELBO_GAP + 5 * error


# --- labels of which some are known, as Pyro and NumPyro document obs_mask ---

CLASS_LOCS = np.array([-1.0, 1.0, 2.0])


def partly_labelled(backend: str, C: int) -> tuple[Any, Any]:
    """A class of each row, known for some rows, and a number given the class; the guide has the unknown ones."""
    at = names_of(backend)
    prior = class_prior(C)

    def log_likelihood(x, y):
        if C == 2:  # linear in y, so that relaxed estimators are unbiased
            low, high = (at.dist.Normal(loc, 1.0).log_prob(x) for loc in (-1.0, 1.0))
            return y * high + (1 - y) * low
        return at.dist.Normal(at.array(CLASS_LOCS)[y], 1.0).log_prob(x)

    def program(x, labels, known):
        of_class = at.dist.Bernoulli(prior[1]) if C == 2 else at.dist.Categorical(at.array(prior))
        with at.lib.plate("rows", len(x)):
            y = at.lib.sample("y", of_class, obs=labels, obs_mask=known)
            at.lib.factor("x", log_likelihood(x, y))  # a factor may have the name of an argument

    def guide(x, labels, known):
        logits = at.lib.param("logits", at.zeros(len(x) if C == 2 else (len(x), C)))
        q = at.dist.Bernoulli(logits=logits) if C == 2 else at.dist.Categorical(logits=logits)
        with at.lib.plate("rows", len(x)), at.mask(~known):
            at.lib.sample("y_unobserved", q)

    return program, guide


def class_prior(C: int) -> np.ndarray:
    return np.array([0.7, 0.3]) if C == 2 else np.array([0.2, 0.5, 0.3])


LABEL_CASES = [
    ("enumerate", 2), ("disarm", 2), ("rloo", 2), ("enumerate", 3),
    ("auto", 2), ("straight_through", 2), ("muprop", 2), ("rloo", 3),
]  # fmt: skip


@pytest.mark.parametrize(
    ("backend", "gradient", "C"),
    [("numpyro", *case) for case in LABEL_CASES]
    + [pytest.param("pyro", *case, marks=pytest.mark.slow) for case in (*LABEL_CASES[:2], LABEL_CASES[-1])],
)
def test_unknown_labels_have_their_exact_posterior(backend, gradient, C):
    log_joint = np.log(class_prior(C)) + norm.logpdf(X[:, None], CLASS_LOCS[:C])
    evidence = np.where(KNOWN, log_joint[np.arange(6), LABELS], logsumexp(log_joint, axis=1)).sum()
    labels = LABELS.astype(float) if C == 2 else LABELS
    fit = trained(backend, *partly_labelled(backend, C), X, labels, KNOWN, gradient=gradient, num_particles=2)
    logits = fit.state["logits"]
    q = softmax(np.stack([0 * logits, logits], -1) if C == 2 else logits, axis=-1)
    np.testing.assert_allclose(q[~KNOWN], softmax(log_joint, axis=1)[~KNOWN], atol=0.02)
    np.testing.assert_allclose(logits[KNOWN], 0.0, atol=1e-5)  # what is masked has no gradient but rounding
    weights = log_joint - np.log(q)
    mean = (q * weights).sum(1)
    elbo = np.where(KNOWN, log_joint[np.arange(6), LABELS], mean).sum()
    variance = (q * (weights - mean[:, None]) ** 2).sum(1)[~KNOWN].sum()
    assert evidence - ELBO_GAP < elbo < evidence + 1e-9
    assert abs(fit.diagnostics["elbo"] - elbo) < 5 * np.sqrt(variance / NUM_DRAWS) + 1e-9
    assert fit.trace[-300:].mean() == pytest.approx(evidence, abs=0.1)


# --- counts without bound ---

COUNTS = np.array([0, 3, 7, 2])


def thinned_counts(backend: str) -> tuple[Any, Any]:
    """A Poisson count of each row, of which each unit is seen with probability 0.4; the guide has a Poisson rate."""
    at = names_of(backend)

    def program(x):
        with at.lib.plate("rows", len(x)):
            n = at.lib.sample("n", at.dist.Poisson(3.0))
            at.lib.sample("x", at.dist.Poisson(0.5 + 0.4 * n), obs=x)

    def guide(x):
        rate = at.lib.param("log_rate", at.zeros(len(x)))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("n", at.dist.Poisson(at.exp(rate)))

    return program, guide


def best_poisson(x: int) -> tuple[float, float]:
    """The log rate of the Poisson guide with the highest ELBO, and that ELBO, by sums up to 80."""
    n = np.arange(80)
    log_p = poisson.logpmf(n, 3.0) + poisson.logpmf(x, 0.5 + 0.4 * n)
    grid = np.linspace(-2, 3, 20_001)
    q = poisson.logpmf(n, np.exp(grid)[:, None])
    elbo = (np.exp(q) * (log_p - q)).sum(1)
    return float(grid[elbo.argmax()]), float(elbo.max())


@pytest.mark.parametrize(
    ("backend", "gradient", "K"),
    [
        ("numpyro", "reinforce(baseline='running_mean')", 8),
        ("numpyro", "auto", 8),
        pytest.param("numpyro", "rloo", 8, marks=pytest.mark.slow),
        pytest.param("pyro", "auto", 8, marks=pytest.mark.slow),
    ],
)
def test_counts_without_bound_are_drawn(backend, gradient, K):
    log_rates, elbos = np.transpose([best_poisson(x) for x in COUNTS])
    fit = trained(backend, *thinned_counts(backend), COUNTS, gradient=gradient, num_particles=K, num_steps=2500)
    # the ELBO is flat at its maximum: a distance d costs rate d^2 / 2 nats
    distance = fit.state["log_rate"] - log_rates
    assert (np.exp(log_rates) * distance**2 / 2 < 0.03).all()
    gap, error = elbos.sum() - fit.diagnostics["elbo"], fit.diagnostics["elbo_se"]
    assert -5 * error < gap < 0.1 + 5 * error


# --- in sequence, of the rows and of all rows, beside a normal latent ---


def sequence(backend: str) -> tuple[Any, Any]:
    """A class of all rows, and in each row a class given it, one given that, and a normal latent given both."""
    at = names_of(backend)

    def program(x):
        top = at.lib.sample("top", at.dist.Bernoulli(0.4))
        with at.lib.plate("rows", len(x)):
            z1 = at.lib.sample("z1", at.dist.Bernoulli(0.2 + 0.5 * top))
            z2 = at.lib.sample("z2", at.dist.Bernoulli(0.3 + 0.4 * z1))
            m = at.lib.sample("m", at.dist.Normal(1.5 * z1 - 1.0 * z2, 0.8))
            at.lib.sample("x", at.dist.Normal(m, 0.6), obs=x)

    def guide(x):
        N = len(x)
        top = at.lib.sample("top", at.dist.Bernoulli(logits=at.lib.param("top_logit", at.zeros(()))))
        a, b = at.lib.param("z1_logits", at.zeros((2, N))), at.lib.param("z2_logits", at.zeros((2, N)))
        loc, log_sd = at.lib.param("loc", at.zeros((4, N))), at.lib.param("log_sd", at.zeros(()))
        with at.lib.plate("rows", N):
            z1 = at.lib.sample("z1", at.dist.Bernoulli(logits=a[0] + (a[1] - a[0]) * top))
            z2 = at.lib.sample("z2", at.dist.Bernoulli(logits=b[0] + (b[1] - b[0]) * z1))
            mean = (1 - z1) * ((1 - z2) * loc[0] + z2 * loc[1]) + z1 * ((1 - z2) * loc[2] + z2 * loc[3])
            at.lib.sample("m", at.dist.Normal(mean, at.exp(log_sd)))

    return program, guide


def sequence_joint() -> np.ndarray:
    """log p(top, z1, z2, x) of each row but for p(top), (2, 2, 2, N), with m integrated out."""
    bernoulli = lambda p: np.log([1 - p, p])  # noqa: E731
    z1 = np.stack([bernoulli(0.2 + 0.5 * top) for top in (0, 1)])[:, :, None, None]
    z2 = np.stack([bernoulli(0.3 + 0.4 * z) for z in (0, 1)])[None, :, :, None]
    loc = np.array([[1.5 * a - 1.0 * b for b in (0, 1)] for a in (0, 1)])[None, :, :, None]
    return z1 + z2 + norm.logpdf(X, loc, np.hypot(0.8, 0.6))


SEQUENCE = (
    "auto",
    "disarm",
    "rloo",
    {"top": "disarm", "z1": "enumerate", "z2": "enumerate"},
    {"z1": "rloo", "z2": "disarm"},
)


@pytest.mark.parametrize(
    ("backend", "gradient"),
    [
        ("numpyro", SEQUENCE[3]),
        *(pytest.param("numpyro", SEQUENCE[i], marks=pytest.mark.slow) for i in (0, 4)),
        pytest.param("pyro", SEQUENCE[4], marks=pytest.mark.slow),  # a minute
    ],
    ids=str,
)
def test_latents_in_sequence_reach_the_exact_posterior(backend, gradient):
    rows = sequence_joint()
    by_top = np.log([0.6, 0.4]) + logsumexp(rows, axis=(1, 2)).sum(-1)
    steps = 3000 if backend == "numpyro" else 1000
    fit = trained(backend, *sequence(backend), X, gradient=gradient, num_particles=4, num_steps=steps)
    check_elbo(fit, logsumexp(by_top))
    assert expit(fit.state["top_logit"]) == pytest.approx(softmax(by_top)[1], abs=0.03)
    z1 = log_softmax(logsumexp(rows, axis=2), axis=1)[:, 1]
    likely = softmax(by_top) > 0.1
    np.testing.assert_allclose(expit(fit.state["z1_logits"])[likely], np.exp(z1)[likely], atol=0.06)


# --- refusals ---


def coin(backend: str, site: str) -> tuple[Any, Any]:
    """A program of one latent of each row: a coin, a category, a one-hot vector or a count; or of a number."""
    at = names_of(backend)
    D, zeros = at.dist, at.zeros
    flat = zeros(3)

    def distribution(logits):
        first = logits[..., 0]
        made = {
            "binary": lambda: D.Bernoulli(logits=first),
            "category": lambda: D.Categorical(logits=logits),
            "count": lambda: D.Poisson(at.exp(first)),
            "real": lambda: D.Normal(first, 1.0),
        }
        return made[site]()

    def program(x):
        with at.lib.plate("rows", len(x)):
            z = at.lib.sample("z", distribution(flat))
            at.lib.sample("x", D.Normal(1.0 * z, 1.0), obs=x)

    def guide(x):
        logits = at.lib.param("logits", zeros((len(x), 3)))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("z", distribution(logits))

    return program, guide


def lone(backend: str) -> tuple[Any, Any]:
    """A coin for all rows."""
    at = names_of(backend)

    def program(x):
        z = at.lib.sample("z", at.dist.Bernoulli(0.5))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("x", at.dist.Normal(1.0 * z, 1.0), obs=x)

    def guide(x):
        at.lib.sample("z", at.dist.Bernoulli(logits=at.lib.param("logit", at.zeros(()))))

    return program, guide


RELAXED_ADVICE = "is for sites that are binary or one-hot, and z is category: .*OneHotCategorical"
BAD = {
    "a continuous site": ("real", {"gradient": {"z": "disarm"}}, "disarm is for discrete sites, and z is continuous"),
    "no discrete site": ("real", {"gradient": "disarm"}, "disarm is for discrete sites, and the guide has none"),
    "a binary estimator for a category": (
        "category",
        {"gradient": "disarm"},
        "disarm is for sites that are binary, and z is category: take .*rloo",
    ),
    "a binary estimator for a count": (
        "count",
        {"gradient": "arm"},
        "arm is for sites that are binary, and z is count: take .*rloo",
    ),
    "a control variate for an integer": ("category", {"gradient": "muprop"}, f"muprop {RELAXED_ADVICE}"),
    "a relaxed integer": ("category", {"gradient": "gumbel_softmax"}, f"gumbel_softmax {RELAXED_ADVICE}"),
    "a sum without end": ("count", {"gradient": "enumerate"}, "z has infinite support and cannot be enumerated"),
    "one draw, itself left out": (
        "binary",
        {"gradient": "rloo", "num_particles": 1},
        "rloo takes 2 draws or more in each step: num_particles=2; given 1",
    ),
    "a temperature of 0": ("binary", {"gradient": "gumbel_softmax(temperature=0)"}, "temperature"),
    "a temperature below 0": ("binary", {"gradient": "straight_through_gumbel(temperature=-1)"}, "temperature"),
    "an unknown baseline": ("binary", {"gradient": "reinforce(baseline='running')"}, "baseline"),
    "an unknown site": ("binary", {"gradient": {"y": "disarm"}}, "no site of the guide 'y'; known: z"),
    "a gradient of continuous sites": ("binary", {"gradient": {"z": "sticking_the_landing"}}, "no estimator 'sticking"),
    "a network for a site of all rows": (
        "lone",
        {"gradient": "reinforce(baseline='network')"},
        "a network of the data is a baseline for latents of the rows, and z is none: take baseline='running_mean'",
    ),
    "a learning rate that is no number": (
        "binary",
        {"gradient": "disarm", "learning_rate": lambda step: np.nan + 0 * step},
        "the learning_rate is not a number at the first step",
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("site", "options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_line(site, options, message, backend):
    program, guide = lone(backend) if site == "lone" else coin(backend, site)
    with pytest.raises(zoo.ZooError, match=message) as caught:
        inference.fit(zoo.Model(program, backend=backend), X, engine="svi", guide=guide, num_steps=3, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_learning_rate_that_is_no_number_later_ends_the_training(backend):
    program, guide = coin(backend, "binary")
    rate = lambda step: 0.1 * np.inf ** (step - 3)  # noqa: E731
    fit = trained(backend, program, guide, X, gradient="disarm", learning_rate=rate, num_steps=10)
    assert fit.diagnostics["broken"]
    assert (
        fit.diagnostics["stopped"]
        == "the learning_rate was not a number at step 5: the guide is that of the step before"
    )
    assert np.isfinite(fit.state["logits"]).all()
    assert len(fit.trace) == 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guide_that_draws_no_discrete_latent_is_refused(backend):
    program, _ = coin(backend, "binary")
    for site, message in (
        ("binary", "every latent is discrete, and the guide draws none: let it have z"),
        ("count", "the guide has no site z, and z is a count without bound"),
    ):
        program, _ = coin(backend, site)
        with pytest.raises(zoo.ZooError, match=message):
            inference.fit(zoo.Model(program, backend=backend), X, engine="svi", guide=lambda x: None, num_steps=1)
        with pytest.raises(zoo.ZooError, match="cannot fit program"):
            inference.fit(zoo.Model(program, backend=backend), X, engine="svi", num_steps=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_latent_is_not_summed_out_beside_draws_of_the_rows(backend):
    at = names_of(backend)

    def program(x):
        with at.lib.plate("rows", len(x)):
            z1 = at.lib.sample("z1", at.dist.Bernoulli(0.3))
            z2 = at.lib.sample("z2", at.dist.Bernoulli(0.3 + 0.4 * z1))
            at.lib.sample("x", at.dist.Normal(1.5 * z1 - 1.0 * z2, 0.8), obs=x)

    def guide(x):
        logits = at.lib.param("logits", at.zeros(len(x)))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("z1", at.dist.Bernoulli(logits=logits))

    with pytest.raises(zoo.ZooError, match=r"the guide has z1 and not z2, .*: let the guide have z2 too"):
        inference.fit(zoo.Model(program, backend=backend), X, engine="svi", guide=guide, num_steps=1)
