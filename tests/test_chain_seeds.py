"""Chains of different seeds are different: no chain of one seed is a chain of another."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.engines.nuts import in_pyro
from inference.run.random_streams import chain_seeds

X = np.random.default_rng(0).normal(size=(20, 1))
SHORT: dict[str, Any] = {"num_chains": 3, "num_warmup": 5, "num_samples": 5}


def chains(seed):
    fit = inference.fit(zoo.load("gaussian_mixture", "pyro", K=1), X, engine="nuts", seed=seed, **SHORT)
    return [tuple(chain.ravel()) for chain in fit.draws["mu"]]


def test_no_chain_is_repeated_by_another_seed(monkeypatch):
    monkeypatch.setattr(in_pyro, "run_processes", in_pyro.run_sequentially)  # new processes take seconds
    runs = [chain for seed in (0, 1, 2) for chain in chains(seed)]
    assert len(set(runs)) == 9
    assert runs[:3] == chains(0)


def test_seeds_of_chains_are_distinct():
    seeds = [s for seed in range(300) for s in chain_seeds(seed, 8)]
    assert len(set(seeds)) == len(seeds)
    assert chain_seeds(7, 1) == [7]


@pytest.mark.parametrize("seed", [2**32, 2**64 + 1])
@pytest.mark.parametrize(
    "call",
    [
        lambda seed: inference.fit(zoo.load("gaussian_mixture", K=1), X, engine="em", seed=seed),
        lambda seed: zoo.load("gaussian_mixture", "pyro", K=1).simulate(seed),
        lambda seed: zoo.load("gaussian_mixture", K=1).simulate(seed),
    ],
    ids=["fit", "simulate in pyro", "simulate in numpyro"],
)
def test_seeds_that_no_generator_tells_apart_are_refused(call, seed):
    with pytest.raises(zoo.ZooError, match="seed is a whole number from 0 to 4294967295"):
        call(seed)
