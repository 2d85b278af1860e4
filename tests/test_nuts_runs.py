"""NUTS runs that are thinned, interrupted, continued and made longer, against one run that is none of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference.engines.nuts import in_numpyro, in_pyro
from tests.programs import conjugate, sums
from tests.table import BACKENDS

RUN: dict[str, Any] = {"num_warmup": 10, "num_samples": 12, "num_chains": 2, "seed": 3}


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Chains of Pyro one after another: new processes take seconds."""
    monkeypatch.setattr(in_pyro, "run_processes", in_pyro.run_sequentially)


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    return request.param


def fit(backend, **options):
    return inference.fit(conjugate(backend), sums(), "nuts", **{**RUN, **options})


@pytest.fixture(scope="module")
def complete(backend):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_pyro, "run_processes", in_pyro.run_sequentially)
        return fit(backend)


def assert_draws(fitted, complete, chains=slice(None), draws=slice(None)):
    for group in ("draws", "stats"):
        ours, theirs = getattr(fitted, group), getattr(complete, group)
        assert ours.keys() == theirs.keys()
        for name, values in theirs.items():
            np.testing.assert_array_equal(ours[name], values[chains, draws], err_msg=name)


def test_thinned_draws_are_every_third_of_a_run(backend, complete):
    assert_draws(fit(backend, thinning=3, num_samples=11), complete, draws=slice(2, 11, 3))


def test_iterations_that_thinning_leaves_out_count_in_the_diagnostics():
    deepest = fit("pyro", thinning=3, max_tree_depth=1)
    assert deepest.diagnostics["at_max_tree_depth"] == RUN["num_chains"] * RUN["num_samples"]
    assert deepest.stats["num_steps"].shape == (2, 4)
    with pytest.raises(zoo.ZooError, match="thinning=13 keeps none of num_samples=12 iterations"):
        fit("pyro", thinning=13)


def test_a_run_continues_from_its_checkpoint_and_becomes_longer(backend, complete, tmp_path, monkeypatch):
    replace, times = os.replace, []

    def killed(*paths):
        replace(*paths)
        times.append(paths)
        if len(times) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    saved: dict[str, Any] = {"checkpoint": tmp_path, "checkpoint_every": 4}
    with pytest.raises(KeyboardInterrupt):
        fit(backend, num_samples=5, **saved)
    monkeypatch.setattr("inference.run.checkpoints.os.replace", replace)
    assert_draws(fit(backend, num_samples=5, **saved), complete, draws=slice(5))
    assert_draws(fit(backend, **saved), complete)
    if backend == "numpyro":  # what is refused is the same, and costs a compilation
        return
    with pytest.raises(zoo.ZooError, match=r"has 12 iterations after warm-up, more than num_samples=5: ask for as"):
        fit(backend, num_samples=5, **saved)
    with pytest.raises(zoo.ZooError, match="its thinning was 1, and is 2 here"):
        fit(backend, thinning=2, **saved)


def interrupt_second_chain(backend, patch):
    """Interrupt the run when the first of two chains is whole, and the second is not."""
    if backend == "pyro":
        update = in_pyro.ChainProgress.update

        def interrupted(progress):
            update(progress)
            if progress.counts[1, 0] == 15:
                raise KeyboardInterrupt

        patch.setattr(in_pyro.ChainProgress, "update", interrupted)
        return
    run, started = in_numpyro.Job.run, []

    def waiting(job, advance, arrays, stop):
        started.append(job)
        if len(started) == 2:
            stop.wait(30)
        run(job, advance, arrays, stop)

    def show(progress, jobs, phase=""):
        if len(started) == 2:
            raise KeyboardInterrupt

    patch.setattr(in_numpyro.Job, "run", waiting)
    patch.setattr(in_numpyro, "show", show)
    patch.setattr(in_numpyro, "num_workers", lambda jobs: 1)


def test_an_interrupt_keeps_the_chains_that_are_whole(backend, complete, tmp_path, monkeypatch):
    saved: dict[str, Any] = {"checkpoint": tmp_path, "checkpoint_every": 12}
    with monkeypatch.context() as patch:
        interrupt_second_chain(backend, patch)
        with pytest.warns(UserWarning, match="interrupted: 1 of 2 chains are whole, and kept"):
            fitted = fit(backend, **saved)
    assert_draws(fitted, complete, chains=slice(1))
    assert fitted.diagnostics["interrupted_chains"] == 1
    assert "interrupted_chains" not in complete.diagnostics
    fitted.save(tmp_path / "fit")
    with pytest.warns(UserWarning, match="interrupted: 1 of 2 chains are whole, and kept"):
        inference.load(tmp_path / "fit", model=conjugate(backend)).summary()
    assert_draws(fit(backend, **saved), complete)  # the rest of the second chain


INTERRUPTED = """
import signal, warnings
from inference import fit
from inference.engines.nuts import in_pyro
from inference.run.progress import Progress
from tests.programs import conjugate, sums
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background makes its children deaf to it
in_pyro.num_workers = lambda jobs: 1
Progress.update = lambda self, done, message="": print(done, flush=True)
warnings.simplefilter("ignore")
fitted = fit(conjugate("pyro"), sums(), "nuts", num_warmup=5, num_samples=200, num_chains=2)
print("chains", len(fitted.draws["a"]), fitted.diagnostics["interrupted_chains"])
"""


@pytest.mark.slow
def test_an_interrupt_of_all_processes_keeps_the_chains_that_are_whole():
    words: dict[str, Any] = {"cwd": Path(__file__).parent.parent, "text": True, "start_new_session": True}
    run = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, **words)
    assert run.stdout
    for line in run.stdout:
        if float(line) > 210:
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to every process of the group
            break
    assert run.communicate(timeout=60)[0].splitlines()[-1] == "chains 1 1"
    assert run.returncode == 0
