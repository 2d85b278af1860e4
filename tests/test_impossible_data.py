"""A datum that the program cannot have: the error says the site, the row, the value and the support."""

import numpy as np
import numpyro
import numpyro.distributions as dist
import pyro
import pyro.distributions
import pytest

import inference
import zoo
from inference.exact.observed import describe_impossible, in_numpyro
from zoo._backend.in_numpyro import runtime

Y = np.random.default_rng(0).beta(2, 3, 20)
SHORT = {
    "em": {"objective": "map"},
    "svi": {"num_steps": 5},
    "nuts": {"num_warmup": 5, "num_samples": 5, "num_chains": 1},
}


def beta_in_numpyro(y):
    a = numpyro.sample("a", dist.Gamma(2.0, 1.0))
    with numpyro.plate("rows", len(y)):
        numpyro.sample("y", dist.Beta(1 + a, 2.0), obs=y)


def beta_in_pyro(y):
    a = pyro.sample("a", pyro.distributions.Gamma(2.0, 1.0))
    with pyro.plate("rows", len(y)):
        pyro.sample("y", pyro.distributions.Beta(1 + a, 2.0), obs=y)


BETA = {"numpyro": beta_in_numpyro, "pyro": beta_in_pyro}


@pytest.mark.parametrize("engine", SHORT)
@pytest.mark.parametrize("backend", BETA)
def test_an_impossible_datum_is_named(backend, engine):
    y = Y.copy()
    y[[7, 11]] = 0.0
    with pytest.raises(zoo.ZooError) as caught:
        inference.fit(zoo.Model(BETA[backend], backend=backend), y, engine=engine, **SHORT[engine])
    message = str(caught.value)
    assert "\n" not in message
    assert "row 7 of y (and 1 more) is 0" in message
    assert "Beta" in message
    assert "between 0 and 1" in message
    assert "start=" not in message


def uniform_in_numpyro(y):
    numpyro.sample("a", dist.Normal(0.0, 1.0))
    with numpyro.plate("rows", y.shape[0]):
        numpyro.sample("y", dist.Uniform(0.0, 5.0).expand([2]).to_event(1), obs=y)


def test_an_event_is_named_with_its_numbers_and_the_bounds():
    y = np.full((4, 2), 1.0)
    y[2, 1] = 7.0
    with runtime():
        elements = in_numpyro.observed_elements(uniform_in_numpyro, {"y": y}, 0)["y"]
    message = describe_impossible("y", elements, ~np.isfinite(elements.log_density))
    assert message.startswith("row 2 of y is 1, 7, where Uniform has the log density -inf")
    assert "any number between 0 and 5" in message


def test_a_wrong_start_is_still_said():
    model = zoo.Model(BETA["numpyro"], backend="numpyro")
    with pytest.raises(zoo.ZooError, match="start has a value of a that is not a number above zero"):
        inference.fit(model, Y, engine="nuts", start={"a": -1.0}, **SHORT["nuts"])
