"""Labels with missing values on which other sites depend: latent where they are missing, in every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import norm

import inference
import zoo
from tests.table import BACKENDS
from tests.user_guides import library

X = np.array([-1.2, 0.3, 0.8, 2.1, 1.0, -0.4])
KNOWN = np.array([True, False, True, False, False, True])
LABELS = np.array([0, 0, 1, 0, 0, 2])
Y = np.where(KNOWN, LABELS, np.nan)
PRIOR, LOCS, MU_SD = np.array([0.2, 0.5, 0.3]), np.array([-1.0, 1.0, 2.0]), 3.0


def log_joint(mu: float) -> np.ndarray:
    """log p(y, x | mu) of each row and label, (N, 3)."""
    return np.log(PRIOR) + norm.logpdf(X[:, None] - mu, LOCS)


def log_rows(mu: float) -> np.ndarray:
    """log p of what is known of each row, with the labels that are not known summed out."""
    of_labels = log_joint(mu)
    return np.where(KNOWN, of_labels[np.arange(6), LABELS], logsumexp(of_labels, axis=1))


def posterior_of_mu() -> tuple[float, float]:
    """Its mean and sd, on a grid that is fine beside both."""
    grid = np.linspace(-5, 5, 2001)
    p = softmax([log_rows(mu).sum() + norm.logpdf(mu, 0, MU_SD) for mu in grid])
    mean = (p * grid).sum()
    return mean, np.sqrt((p * (grid - mean) ** 2).sum())


def classes(backend: str, mu: float | None = None, masked: bool = False) -> zoo.Model:
    """A class of each row, and a number around the centre of the class; all centres move by mu.

    masked: labels with ``obs_mask`` in the place of missing values.
    """
    at = library(backend)

    def statement(x, y, **options):
        shift = at.lib.sample("mu", at.dist.Normal(0.0, MU_SD)) if mu is None else mu
        with at.lib.plate("rows", len(x)):
            y = at.lib.sample("y", at.dist.Categorical(at.array(PRIOR)), obs=y, **options)
            at.lib.sample("x", at.dist.Normal(at.array(LOCS)[y] + shift, 1.0), obs=x)

    def with_missing(x, y):
        statement(x, y)

    def with_mask(x, y, known):
        statement(x, y, obs_mask=known)

    return zoo.Model(with_mask if masked else with_missing, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_reading_has_a_latent_for_what_is_missing(backend):
    model = zoo.read(classes(backend), X, Y)
    assert model.card.sites()["y_unobserved"].dims == ("N",)
    assert list(model.card.observed) == ["y_observed", "x"]
    assert model.card.missing == ("y_observed",)
    assert set(model.simulate(seed=0)["y_unobserved"]) <= {0, 1, 2}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("masked", [False, True])
def test_sums_over_labels_are_exact(backend, masked):
    arguments = (X, LABELS, KNOWN) if masked else (X, Y)
    fit = inference.fit(classes(backend, masked=masked), *arguments, engine="em")
    mu = float(fit.params["mu"])
    np.testing.assert_allclose(fit.log_likelihood(), log_rows(mu), atol=1e-8)
    posterior = softmax(log_joint(mu), axis=1)
    np.testing.assert_allclose(fit.local()["y_unobserved"][~KNOWN], posterior[~KNOWN], atol=1e-8)


@pytest.mark.parametrize(
    ("backend", "engine"),
    [
        ("numpyro", "nuts"),
        ("numpyro", "svi"),
        *(pytest.param("pyro", e, marks=pytest.mark.slow) for e in ("nuts", "svi")),
    ],
)
def test_the_posterior_is_exact(backend, engine):
    mean, sd = posterior_of_mu()
    if engine == "nuts":
        fit = inference.fit(classes(backend), X, Y, engine="nuts", num_samples=1000, num_warmup=300, num_chains=1)
        row = fit.summary().loc["mu"]
        assert abs(row["mean"] - mean) < 4.5 * sd / np.sqrt(row["ess_bulk"])
        assert abs(row["sd"] / sd - 1) < 4.5 / np.sqrt(2 * row["ess_bulk"]) * 1.5  # tails heavier than normal ones
        return
    fit = inference.fit(classes(backend), X, Y, engine="svi", num_steps=3000, weight_average=0.99)
    draws = fit.draws["mu"]  # of a normal guide, by the reverse KL near the posterior, which is nearly normal
    assert abs(draws.mean() - mean) < 0.1 * sd + 4.5 * sd / np.sqrt(draws.size)
    assert abs(draws.std() / sd - 1) < 0.15


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("gradient", ["enumerate", "rloo"])
def test_a_guide_has_what_is_missing(gradient, backend):
    at = library(backend)

    def guide(x, y):
        logits = at.lib.param("logits", at.zeros((len(x), 3)))
        with at.lib.plate("rows", len(x)), mask_of(backend, y != y):  # where it is missing
            at.lib.sample("y_unobserved", at.dist.Categorical(logits=logits))

    rate = lambda step: 0.1 / (1 + step / 150)  # noqa: E731
    options: dict[str, Any] = {"num_particles": 2, "weight_average": 0.99, "learning_rate": rate, "num_steps": 1500}
    options["num_draws"] = 100  # of all labels, which are not looked at
    fit = inference.fit(classes(backend, mu=0.2), X, Y, engine="svi", guide=guide, gradient=gradient, **options)
    q = softmax(fit.state["logits"], axis=1)
    np.testing.assert_allclose(q[~KNOWN], softmax(log_joint(0.2), axis=1)[~KNOWN], atol=0.02)
    assert fit.trace[-300:].mean() == pytest.approx(log_rows(0.2).sum(), abs=0.1)


def mask_of(backend: str, mask: Any) -> Any:
    """A context whose latents count where the mask is true."""
    if backend == "numpyro":
        from numpyro import handlers

        return handlers.mask(mask=mask)
    from pyro import poutine

    return poutine.mask(mask=mask)


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_on_which_nothing_depends_are_left_out(backend):
    at = library(backend)

    def program(x, y):
        mu = at.lib.sample("mu", at.dist.Normal(0.0, 1.0))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("y", at.dist.Bernoulli(logits=mu), obs=y)
            at.lib.sample("x", at.dist.Normal(mu, 1.0), obs=x)

    card = zoo.read(zoo.Model(program, backend=backend), X, np.where(KNOWN, LABELS > 0, np.nan)).card
    assert list(card.latents) == ["mu"]
    assert card.missing == ("y",)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_part_of_a_vector_of_labels_is_refused(backend):
    at = library(backend)

    def program(x, y):
        with at.lib.plate("rows", len(x)):
            y = at.lib.sample("y", at.dist.Bernoulli(at.array([0.5, 0.5])).to_event(1), obs=y)
            at.lib.sample("x", at.dist.Normal(y.sum(-1), at.lib.sample("s", at.dist.HalfNormal(1.0))), obs=x)

    y = np.stack([np.where(KNOWN, 1.0, np.nan), np.ones(6)], 1)
    with pytest.raises(zoo.ZooError, match=r"y misses a part of an event.*all NaN") as caught:
        zoo.read(zoo.Model(program, backend=backend), X, y)
    assert "\n" not in str(caught.value)
