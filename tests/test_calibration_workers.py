"""Simulations side by side: a process that is killed loses one simulation, and clusters of Dask run them."""

import os
from pathlib import Path

import joblib
import numpy as np
import pytest

import inference
from tests.programs import conjugate
from tests.test_calibration import sample_two_numbers

SEEDS = (np.random.SeedSequence(0).generate_state(24).reshape(-1, 2) >> 1)[:, 1].tolist()  # of the draws


class Deadly:
    """A sampler that ends its process at one seed: once, or whenever it is called."""

    def __init__(self, folder: Path, is_always: bool):
        self.folder, self.is_always = folder, is_always

    def __call__(self, data, seed):
        marker = self.folder / "was here"
        if seed == SEEDS[4] and (self.is_always or not marker.exists()):
            marker.touch()
            os._exit(1)
        return sample_two_numbers(data, seed)


@pytest.mark.parametrize("is_always", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["once", "always"])
def test_a_killed_process_loses_at_most_its_own_simulation(tmp_path, is_always):
    model = conjugate("pyro").with_settings(N=5)
    whole = inference.calibrate(model, sample_two_numbers, simulations=12, draws=19)
    result = inference.calibrate(model, Deadly(tmp_path, is_always), simulations=12, draws=19, workers=2)
    assert list(result.failures) == ([4] if is_always else [])
    if is_always:
        assert "was killed" in result.failures[4]
    kept = [i for i in range(12) if i not in result.failures]
    np.testing.assert_array_equal(result.ranks["a"], whole.ranks["a"][kept])


@pytest.mark.slow
def test_a_cluster_of_dask_runs_the_simulations():
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    model = conjugate("pyro").with_settings(N=5)
    whole = inference.calibrate(model, sample_two_numbers, simulations=12, draws=19)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        result = inference.calibrate(model, sample_two_numbers, simulations=12, draws=19, workers=None)
    for name, ranks in whole.ranks.items():
        np.testing.assert_array_equal(result.ranks[name], ranks)
