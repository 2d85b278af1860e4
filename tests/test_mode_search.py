"""The search for modes: each mode with its mass, copies counted once, nothing where there is no mode."""

import numpy as np
import numpyro
import pytest
from numpyro import distributions as dist

import zoo
from inference import fit
from inference.evaluation.comparison import judge
from inference.unconstrained.mode_search import search_modes, starts_in_modes


def mixture_of_normals(weights, centres, sds):
    """``value_grad_hvp`` of a mixture of normals in one dimension."""

    def log_density(x):
        return np.logaddexp.reduce(np.log(weights) - 0.5 * ((x - centres) / sds) ** 2 - np.log(sds))

    def value_grad_hvp(point, direction):
        h = 1e-4
        at = [log_density(point[0] + k * h) for k in (-1, 0, 1)]
        curvature = (at[0] - 2 * at[1] + at[2]) / h**2
        return float(at[1]), np.array([(at[2] - at[0]) / (2 * h)]), curvature * direction

    return value_grad_hvp


def test_every_mode_has_its_mass():
    weights, centres, sds = np.array([0.7, 0.3]), np.array([0.0, 20.0]), np.array([1.0, 3.0])
    density = mixture_of_normals(weights, centres, sds)
    modes = search_modes(density, [np.array([x]) for x in (-3.0, 2.0, 15.0, 26.0)])
    mass = np.exp([m.log_mass for m in modes])
    np.testing.assert_allclose([m.point[0] for m in modes], [0.0, 20.0], atol=1e-3)
    np.testing.assert_allclose(mass / mass.sum(), weights, atol=1e-3)
    starts = starts_in_modes(density, modes, 4, np.random.default_rng(0))
    assert {int(x[0] > 10) for x in starts[:2]} == {0, 1}  # a chain in each


def test_small_modes_and_copies_do_not_count():
    density = mixture_of_normals(np.array([0.98, 0.02]), np.array([0.0, 20.0]), np.ones(2))
    assert len(search_modes(density, [np.array([0.5]), np.array([19.0])])) == 1
    equal = mixture_of_normals(np.array([0.5, 0.5]), np.array([0.0, 20.0]), np.ones(2))
    starts = [np.array([0.5]), np.array([19.0])]
    assert len(search_modes(equal, starts)) == 2
    assert len(search_modes(equal, starts, has_symmetry=True)) == 1


def test_a_density_without_a_mode_has_none():
    def rising(point, direction):
        return float(point.sum()), np.ones_like(point), np.zeros_like(direction)

    assert search_modes(rising, [np.zeros(2), np.ones(2), np.full(2, 3.0)]) == []


def numpyro_square(y):
    theta = numpyro.sample("theta", dist.Normal(0.0, 3.0))
    numpyro.sample("y", dist.Normal(theta**2, 0.5), obs=y)


def pyro_square(y):
    import pyro
    from pyro.distributions import Normal

    theta = pyro.sample("theta", Normal(0.0, 3.0))
    pyro.sample("y", Normal(theta**2, 0.5), obs=y)


@pytest.mark.parametrize(
    ("backend", "program"),
    [("numpyro", numpyro_square), pytest.param("pyro", pyro_square, marks=pytest.mark.slow)],
)
def test_a_number_known_by_its_square_is_in_two_modes(backend, program):
    # the guide reports the mass of the other mode, and the chains are in both
    import torch

    y = torch.tensor(4.0) if backend == "pyro" else 4.0
    model = zoo.Model(program, backend=backend)
    guide = fit(model, y, engine="svi", num_steps=50)
    assert guide.diagnostics["other_modes"] == pytest.approx(0.5, abs=0.01)
    assert judge(guide).trust == "no"
    assert "others hold some 50% of the mass" in judge(guide).explanation
    chains = fit(model, y, engine="nuts", num_warmup=50, num_samples=50)
    assert {bool(m > 0) for m in chains.draws["theta"].mean(1)} == {True, False}
    assert judge(chains).trust == "no"
