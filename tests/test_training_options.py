"""Options of training for deep hierarchies: weight decay, warm-up of the learning rate, and steps that are skipped."""

import warnings
from typing import Any

import numpy as np
import pytest

import zoo
from inference import fit

DATA = np.array([1.0, 2.0, -0.5, 4.0])


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def pair(backend):
    """x ~ N(mu, 1) with mu ~ N(0, 1), and a guide of one point, which begins at 3."""
    if backend == "numpyro":
        from jax import numpy
        from numpyro import distributions as dist
        from numpyro import param, plate, sample

        start: Any = numpy.array(3.0)
    else:
        import pyro.distributions as dist
        import torch
        from pyro import param, plate, sample

        start = torch.tensor(3.0)

    def program(x):
        mu = sample("mu", dist.Normal(0.0, 1.0))
        with plate("N", len(x)):
            sample("x", dist.Normal(mu, 1.0), obs=x)

    def guide(x):
        sample("mu", dist.Delta(param("point", start)))

    return zoo.Model(program, backend=backend), guide


def slope(mu, rows=DATA):
    """The gradient of the loss per row: minus that of log p(x, mu), by mu."""
    return (mu - (rows - mu).sum()) / len(rows)


def adamw(mu, rates, decay):
    """AdamW (Loshchilov and Hutter 2019) by hand; the first values of mu after each step."""
    first = second = 0.0
    for t, rate in enumerate(rates, 1):
        g = slope(mu)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        direction = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        mu -= rate * (direction + decay * mu)
    return mu


def trained(pair, num_steps, **options):
    model, guide = pair
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings: dict[str, Any] = {"guide": guide, "num_draws": 1, "dtype": "float64", **options}
        return fit(model, DATA, engine="svi", num_steps=num_steps, **settings)


def test_steps_with_decay_and_warm_up_are_those_by_hand(pair, backend):
    for decay, warm_up, rate in ((0.0, 0.0, 0.1), (0.3, 0.0, 0.1), (0.0, 0.5, 0.1), (0.2, 0.7, lambda t: 0.1 * 0.9**t)):
        for num_steps in (1, 5, 20):
            at = [rate(t) if callable(rate) else rate for t in range(num_steps)]
            factors = [min((t + 1) / (warm_up * num_steps), 1.0) if warm_up else 1.0 for t in range(num_steps)]
            options = {"weight_decay": decay, "learning_rate_warm_up": warm_up, "learning_rate": rate}
            mu = trained(pair, num_steps, **options).params["mu"]
            np.testing.assert_allclose(mu, adamw(3.0, np.multiply(at, factors), decay), rtol=1e-6)


def test_options_that_an_optimizer_has_itself_are_refused(pair, backend):
    if backend == "numpyro":
        import optax

        own = optax.sgd(0.1)
        with pytest.raises(zoo.ZooError, match="an optimizer of optax has a rate of its own"):
            trained(pair, 2, optimizer=own, learning_rate_warm_up=0.5)
    else:
        import torch

        own = torch.optim.SGD
        warm = trained(pair, 2, optimizer=own, learning_rate=0.1, learning_rate_warm_up=1.0).params["mu"]
        after = 3.0 - 0.05 * slope(3.0)
        np.testing.assert_allclose(warm, after - 0.1 * slope(after), rtol=1e-6)
    for options, message in (
        ({"optimizer": own, "weight_decay": 0.1}, "weight_decay is of the default optimizer: leave optimizer out"),
        ({"weight_decay": -1.0}, "weight_decay is a number from 0 up"),
        ({"learning_rate_warm_up": 1.5}, "learning_rate_warm_up is a number from 0 to 1"),
    ):
        with pytest.raises(zoo.ZooError, match=message) as raised:
            trained(pair, 2, **options)
        assert "\n" not in str(raised.value)
