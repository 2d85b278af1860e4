"""Draws as one more dimension of a run in Pyro: found where a program allows it, and never where it does not."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from pyro import distributions, param, plate, sample
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

import inference
import zoo
from inference.objectives.runs.in_pyro import can_vectorise

library: Any = distributions
Bernoulli, Normal = library.Bernoulli, library.Normal
WEIGHTS = torch.tensor([1.5, -0.5])
MEANS = {
    "last dimension": lambda z: z @ WEIGHTS.to(z.dtype),
    "second dimension": lambda z: z[:, 0] * 1.5 - z[:, 1] * 0.5,
    "rows by their number": lambda z: z.reshape(len(z), -1)[:, 0] * 1.5 - z.reshape(len(z), -1)[:, 1] * 0.5,
    "mean over what is first": lambda z: (z - z.mean(0)) @ WEIGHTS.to(z.dtype),
}


def program_and_guide(mean):
    def program(x):
        with plate("N", len(x)):
            z = sample("z", Bernoulli(0.5 * torch.ones(2)).to_event(1))
            sample("x", Normal(mean(z), 0.5), obs=x)

    def guide(x):
        logits = param("logits", torch.zeros(len(x), 2))
        with plate("N", len(x)):
            sample("z", Bernoulli(logits=logits).to_event(1))

    return program, guide


@pytest.mark.parametrize("name", MEANS)
def test_a_program_that_does_not_broadcast_is_found(name):
    program, guide = program_and_guide(MEANS[name])
    assert can_vectorise(program, guide, {"x": torch.randn(7)}) == (name == "last dimension")


def best_elbo(x):
    """The ELBO of the best guide of independent numbers, by the sum over the four values of each row."""
    z = np.array(list(product((0.0, 1.0), repeat=2)))
    log_p = norm.logpdf(x[:, None], z @ WEIGHTS.numpy(), 0.5) + 2 * np.log(0.5)

    def elbo(logits, row):
        q = expit(logits)
        log_q = (z * np.log(q) + (1 - z) * np.log1p(-q)).sum(-1)
        return np.exp(log_q) @ (log_p[row] - log_q)

    starts = list(product((-2.0, 2.0), repeat=2))
    best = [[-minimize(lambda v, row: -elbo(v, row), a, args=(row,)).fun for a in starts] for row in range(len(x))]
    return np.max(best, axis=1).sum()


@pytest.mark.parametrize("name", list(MEANS)[:3])  # rows of the last one are not independent
@pytest.mark.parametrize("options", [{"gradient": "rloo", "num_particles": 2}, {"gradient": "disarm"}], ids=str)
def test_any_program_of_discrete_latents_alone_is_trained(name, options):
    program, guide = program_and_guide(MEANS[name])
    x = np.random.default_rng(0).normal(size=12)
    fit = inference.fit(
        zoo.Model(program, backend="pyro"), x, engine="svi", guide=guide, num_steps=200, learning_rate=0.1,
        num_draws=200, **options,
    )  # fmt: skip
    assert fit.diagnostics["elbo"] == pytest.approx(best_elbo(x), abs=0.5 + 4 * fit.diagnostics["elbo_se"])
    assert fit.draws["z"].shape == (1, 200, 12, 2)
