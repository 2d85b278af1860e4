"""A fourth mixture, as CONTRIBUTING.md shows it: one new folder, and everything works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAME = "exponential_mixture"

EVERYTHING = """
import numpy as np, zoo, inference
x = np.concatenate([np.random.default_rng(0).exponential(s, 60) for s in (0.2, 5.0)])
for backend, small in (("numpyro", {}), ("pyro", {"num_warmup": 20, "num_samples": 20, "num_chains": 1})):
    model = zoo.load("exponential_mixture", backend, K=2)
    takers = {engine for engine, reason in inference.refusals(model).items() if reason is None}
    assert takers == {"em", "nuts", "svi"}, inference.refusals(model)
    em = inference.fit(model, x, "em")
    svi = inference.fit(model, x, "svi", num_steps=200)
    nuts = inference.fit(model, x, "nuts", **(small or {"num_warmup": 100, "num_samples": 100, "num_chains": 1}))
    for fit in (em, svi, nuts):
        assert fit.log_likelihood().shape[-1] == 120
        assert np.isfinite(fit.summary()["mean" if "mean" in fit.summary() else "estimate"]).all()
    print(inference.compare(em, svi, nuts))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The environment in which the folder written from CONTRIBUTING.md is a model of the zoo."""
    place = tmp_path_factory.mktemp("models")
    page = (ROOT / "CONTRIBUTING.md").read_text()
    files = re.findall(rf"`{NAME}/(\w+\.py)`:.*?```python\n(.*?)```", page, re.DOTALL)
    assert [f for f, _ in files] == ["__init__.py", "in_numpyro.py", "in_pyro.py"]
    assert 50 <= sum(len(text.splitlines()) for _, text in files) <= 75, "about sixty lines"
    (place / NAME).mkdir()
    for file, text in files:
        (place / NAME / file).write_text(text)
    return {**os.environ, "ZOO_MODELS": str(place), "PYTHONPATH": str(ROOT)}


def run(command, environment):
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_tables_of_tests_run_over_it(extended):
    tests = ["tests/test_cards.py", "tests/test_enumeration.py"]
    said = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", NAME, *tests], extended)
    assert re.search(r"[6-9] passed", said), said


def test_every_engine_takes_it_in_both_backends(extended):
    assert "nuts" in run([sys.executable, "-W", "error::UserWarning", "-c", EVERYTHING], extended)


def test_the_command_knows_it(extended):
    assert NAME in run([sys.executable, "-m", "zoo", "list"], extended)
    assert "Exponential mixture" in run([sys.executable, "-m", "zoo", "show", NAME], extended)
