"""The penalty "adversary": its optimum, what it has gradients for, and coordinates that codes do not have."""

from typing import Any

import numpy as np
import pytest

import zoo
from inference.objectives.penalties import make
from inference.objectives.penalties.adversary import Adversary
from tests.test_penalties import Backend

B = 64
GROUP = np.tile([-1.0, 1.0], B // 2)
SD = np.full((B, 3), 0.5)
SETTINGS: dict[str, Any] = {"gamma": 2.0, "coordinates": (0,), "units": 8, "layers": 1, "steps": 2}
PENALTY = Adversary(**SETTINGS, learning_rate=0.02)


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    return Backend(request.param)


def trained(backend, mean, steps, penalty=PENALTY):
    """The penalty after steps of its network on the codes of one batch."""
    with backend.runtime("float64"):
        if backend.name == "pyro":
            import torch

            torch.manual_seed(0)
        codes = backend.codes(mean, SD, mean, 1000)
        state = penalty.initial_state(3, backend.key(1), backend.functions)

        def step(state):
            return penalty.next_state(backend.inputs(codes, state=state))

        if backend.name == "numpyro":
            import jax

            step = jax.jit(step)
        for _ in range(steps):
            state = step(state)
        return float(penalty.value(backend.inputs(codes, state=state)))


def test_at_its_optimum_it_is_the_mutual_information(backend):
    """The sign of a small coordinate tells the group of every row but those of the first quarter, by half of them."""
    sign = GROUP.copy()
    sign[: B // 4 : 4] *= -1
    sign[1 : B // 4 : 4] *= -1
    mean = np.stack([GROUP, np.zeros(B), 0.1 * sign], 1)
    p = np.mean(sign != GROUP)
    exact = np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p)
    assert trained(backend, mean, 200) == pytest.approx(2 * exact, rel=0.02)


def test_nothing_is_left_to_learn_from_independent_coordinates(backend):
    mean = np.stack([GROUP, np.repeat([-1.0, 1.0], B // 2), np.zeros(B)], 1)
    assert trained(backend, mean, 200) == pytest.approx(0, abs=0.01)


def test_fine_differences_between_groups_are_found():
    """Groups that alternate along a coordinate, ten times within its range, at both ends of which they are equal."""
    z = np.linspace(-1, 1, B + 1)[1:] * np.sqrt(3)
    group = np.where(np.sin(16 * z) > 0, 1.0, -1.0)
    share = np.mean(group > 0)
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    mean = np.stack([group, z, np.zeros(B)], 1)
    fine, smooth = (
        trained(Backend("pyro"), mean, 200, Adversary(**SETTINGS, octaves=octaves, learning_rate=0.02))
        for octaves in (5, 0)
    )
    assert fine == pytest.approx(2 * entropy, rel=0.02)
    assert smooth < 2 * entropy / 4


def test_a_named_coordinate_counts_by_its_bins():
    """Four values in bins of their own: the entropy is that of the values, and an untrained network costs ln 10."""
    backend = Backend("pyro")
    mean = np.stack([np.tile([-1.5, -0.6, 0.6, 1.5], B // 4), np.zeros(B), np.zeros(B)], 1)
    with backend.runtime("float64"):
        penalty = Adversary(gamma=2.0, coordinates=(0,), bins=10)
        state = {n: 0 * v for n, v in penalty.initial_state(3, None, backend.functions).items()}
        value = penalty.value(backend.inputs(backend.codes(mean, SD, mean, 1000), state=state))
    assert float(value) == pytest.approx(2 * (np.log(4) - np.log(10)))


def test_only_the_other_coordinates_have_a_gradient():
    import torch

    backend = Backend("pyro")
    with backend.runtime("float64"):
        torch.manual_seed(0)
        mean = torch.randn(B, 3, requires_grad=True)
        codes = backend.codes(mean.detach().numpy(), SD, SD, 1000)._replace(mean=mean, blocks=(0,))
        penalty = Adversary(units=8, layers=1)
        state = penalty.initial_state(3, None, backend.functions)
        penalty.value(backend.inputs(codes, state=state)).backward()
    assert mean.grad is not None
    assert (mean.grad[:, 0] == 0).all()
    assert (mean.grad[:, 1:] != 0).any(0).all()


@pytest.mark.parametrize(
    ("coordinates", "words"),
    [(None, "coordinates=(0,)"), ((3,), "are some of 0 to 2"), ((0, 1, 2), "and not all")],
    ids=["none", "beyond", "all"],
)
def test_coordinates_that_codes_do_not_have_raise_one_line(coordinates, words):
    backend = Backend("pyro")
    with backend.runtime("float64"), pytest.raises(zoo.ZooError) as error:
        make(Adversary(coordinates=coordinates)).value(backend.inputs(backend.codes(SD, SD, SD, 10), state={"x": 0}))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
