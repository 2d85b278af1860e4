"""States of estimators: they change as training goes on, and a killed run goes on with them bit for bit."""

import os

import numpy as np
import pytest

import inference
import zoo
from tests.table import BACKENDS

NETWORK = "reinforce(baseline='network')"
STATEFUL = [
    "reinforce(baseline='running_mean', normalise=True)",
    NETWORK,
    "rebar",
    "relax",
    "gumbel_softmax",
]


def train(backend, gradient, checkpoint=None, **options):
    x = (np.random.default_rng(0).random((60, 16)) < 0.3).astype(float)
    model = zoo.load("sigmoid_belief_network", backend, L=1, Z=4, depth=0)
    return inference.fit(
        model, x, engine="svi", gradient=gradient, batch_size=20, num_epochs=4, checkpoint=checkpoint, seed=3, **options
    )


@pytest.mark.parametrize(
    ("gradient", "backend"),
    [  # NumPyro compiles for long, and every state is saved like that of the network
        pytest.param(g, b, marks=pytest.mark.slow if b == "numpyro" and g != NETWORK else ())
        for g in STATEFUL
        for b in BACKENDS
    ],
)
def test_a_killed_run_goes_on_bit_for_bit(gradient, backend, tmp_path, monkeypatch):
    complete = train(backend, gradient, tmp_path / "whole")
    replace, replaced = os.replace, []

    def killed(*paths):
        replace(*paths)
        replaced.append(paths)
        if len(replaced) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        train(backend, gradient, tmp_path / "cut")
    monkeypatch.undo()
    with np.load(tmp_path / "cut" / "checkpoint.npz") as file:
        states = {n: file[n] for n in file.files if n.startswith("state/estimators")}
    assert any(v.any() for v in states.values()) == (gradient != "gumbel_softmax")
    resumed = train(backend, gradient, tmp_path / "cut")
    np.testing.assert_array_equal(resumed.trace, complete.trace)
    for name, value in complete.state.items():
        np.testing.assert_array_equal(resumed.state[name], value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_annealed_temperature_is_that_of_the_step(backend):
    made = inference.objectives.estimators.all_estimators()["gumbel_softmax"]
    constant = train(backend, made(temperature=0.7))
    falling = train(backend, made(temperature=lambda t: 0.7 - 0.6 * t))
    if backend == "pyro":  # which compiles nothing
        annealed = train(backend, made(temperature=lambda t: 0.7 + 0.0 * t))
        np.testing.assert_allclose(annealed.trace, constant.trace, rtol=1e-5)
    assert falling.trace[0] == pytest.approx(constant.trace[0], rel=1e-5)
    assert not np.allclose(falling.trace[1:], constant.trace[1:], rtol=1e-5)
