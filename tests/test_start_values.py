"""Values of ``start`` that a latent cannot have are refused by name, before anything is computed."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo

X = np.random.default_rng(0).normal(size=(30, 2))
START = {"pi": np.full(2, 0.5), "mu": np.array([[0.0, 0.0], [1.0, 1.0]]), "Lambda": np.stack([np.eye(2)] * 2)}
SHORT: dict[str, dict[str, Any]] = {
    "em": {"max_iter": 2},
    "svi": {"num_steps": 2},
    "nuts": {"num_warmup": 2, "num_samples": 2, "num_chains": 1},
}
WRONG = {
    "no positive definite matrix": ("Lambda", np.stack([np.array([[1.0, 2.0], [2.0, 1.0]])] * 2), "positive definite"),
    "no symmetric matrix": ("Lambda", np.stack([np.array([[2.0, 1.0], [0.0, 2.0]])] * 2), "positive definite"),
    "a negative probability": ("pi", np.array([1.5, -0.5]), "sum to one"),
    "a sum above one": ("pi", np.array([0.9, 0.9]), "sum to one"),
    "NaN": ("mu", np.full((2, 2), np.nan), "any finite number"),
}


@pytest.mark.parametrize("engine", SHORT)
@pytest.mark.parametrize("backend", zoo.BACKENDS)
@pytest.mark.parametrize("fault", WRONG)
def test_a_start_outside_the_support_is_refused(backend, engine, fault):
    name, value, words = WRONG[fault]
    with pytest.raises(zoo.ZooError, match=f"start has a value of {name} that is not .*{words}"):
        inference.fit(
            zoo.load("gaussian_mixture", backend, K=2), X, engine=engine, start={**START, name: value}, **SHORT[engine]
        )
