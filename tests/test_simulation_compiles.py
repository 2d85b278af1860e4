"""Simulating again from a model of sequences in NumPyro compiles nothing, so that many draws cost their arithmetic."""

import jax
import pytest

import zoo


@pytest.mark.parametrize(
    "name", ["autoregressive_hmm", "hidden_markov", "linear_dynamical_system", "switching_lds", "switching_regression"]
)
def test_a_second_simulation_compiles_nothing(name, caplog):
    model = zoo.load(name, "numpyro")
    model.simulate(0)
    with jax.log_compiles():
        model.simulate(1)
    assert not [line for line in caplog.messages if line.startswith("Compiling")]
