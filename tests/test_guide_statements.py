"""Statements of guides: a value that a parameter takes after a step, and a gradient that goes past a function."""

import numpy as np
import pytest

import inference
import zoo
from tests.objectives import BACKEND_OBJECTIVES
from tests.table import BACKENDS
from zoo._backend import in_backend

MEASURED = np.array([0.3, 1.9, 2.2])


def model_and_guide(backend):
    """A point whose gradient goes past a rounding, and a parameter that counts the steps."""
    here, statements = BACKEND_OBJECTIVES[backend](), in_backend("zoo._backend", backend)
    sample, plate, param, Normal = here.statements
    xp, Delta = here.np, here.distributions.Delta
    if backend == "numpyro":
        from numpyro import deterministic, param
    else:
        from pyro import deterministic, param

    def program(measured):
        z = sample("z", Normal(0.0, 1.0))
        whole = deterministic("whole", xp.round(z))
        with plate("rows", len(measured)):
            sample("measured", Normal(whole, 1.0), obs=measured)

    def guide(measured):
        loc, steps = param("loc", xp.asarray(1.2)), param("steps", xp.asarray(0.0))
        statements.straight_through("whole", 2.0 * loc)
        statements.assign("steps", steps + 1.0)
        sample("z", Delta(loc))

    return zoo.Model(program, backend=backend), guide


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", [{}, {"num_particles": 2}], ids=str)
def test_a_step_assigns_and_goes_straight_through(options, backend):
    model, guide = model_and_guide(backend)
    optimizer = {}
    if backend == "numpyro":
        import optax

        optimizer["optimizer"] = optax.sgd(0.01)
    else:
        import torch

        optimizer["optimizer"], optimizer["learning_rate"] = torch.optim.SGD, 0.01
    fit = inference.fit(model, MEASURED, engine="svi", guide=guide, num_steps=1, num_draws=2, **optimizer, **options)
    slope = -1.2 + 2.0 * (MEASURED - 1.0).sum()  # of the prior at 1.2, and twice that of the likelihood at round(1.2)
    assert fit.state["steps"] == pytest.approx(1.0)
    assert fit.state["loc"] == pytest.approx(1.2 + 0.01 * slope / len(MEASURED), rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_parameter_of_both_begins_as_the_guide_has_it(backend):
    here = BACKEND_OBJECTIVES[backend]()
    sample, plate, _, Normal = here.statements
    xp, Delta = here.np, here.distributions.Delta
    if backend == "numpyro":
        from numpyro import param
    else:
        from pyro import param

    def program(measured):
        shift = param("shift", xp.asarray(5.0))
        z = sample("z", Normal(0.0, 1.0))
        with plate("rows", len(measured)):
            sample("measured", Normal(z + shift, 1.0), obs=measured)

    def guide(measured):
        shift = param("shift", xp.asarray(-3.0))
        sample("z", Delta(param("loc", xp.asarray(0.0)) + 0.0 * shift))

    model = zoo.Model(program, backend=backend)
    fit = inference.fit(model, MEASURED, engine="svi", guide=guide, num_steps=1, num_draws=2, learning_rate=1e-6)
    assert fit.params["shift"] == pytest.approx(-3.0, abs=1e-4)
