"""The recipes of CONTRIBUTING.md: a new model, guide, engine and question, from the files that the page shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
MODEL = "exponential_mixture"

# after the last block of a recipe, in the same process
CHECKS = {
    "A model": """
assert em.options["closed_form"] and em.diagnostics["converged"]
assert np.allclose(np.sort(em.params["rate"]), [0.2, 5.0], rtol=0.5)
general = inference.fit(model, minutes, "em", closed_form=False, tol=1e-10)
assert np.allclose(np.sort(em.params["rate"]), np.sort(general.params["rate"]), rtol=1e-2)
assert nuts.log_likelihood().shape == (2, 200, 120)
from zoo.sklearn import ExponentialMixture
estimator = ExponentialMixture(K=2, random_state=0).fit(minutes[:, None])
assert np.allclose(np.sort(estimator.rate_), np.sort(em.params["rate"]), rtol=1e-3)
""",
    "A guide": """
assert fit.options["guide"] == "heavy_tails" and fit.kind == "guide"
import numpy as np
lengths = np.sort(fit.params["mu"][:, 0])
assert np.allclose(lengths, [2.0, 4.3], atol=0.15)
short = {"num_steps": 50, "num_draws": 100}
pyro = inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), x, "svi", guide="heavy_tails", **short)
assert np.allclose(np.sort(pyro.params["mu"][:, 0]), lengths, atol=0.1)
""",
    "An engine": """
assert mode.diagnostics["converged"] and len(mode.trace) == mode.diagnostics["iterations"]
assert (np.diff(mode.trace) > -1e-6).all()
assert np.allclose(np.sort(mode.params["mu"], 0), np.sort(em.params["mu"], 0), rtol=1e-3)
pyro = inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), x, "posterior_mode", start=em.params, max_iter=20)
assert np.allclose(np.sort(pyro.params["mu"], 0), np.sort(em.params["mu"], 0), rtol=1e-3)
assert "prior" in inference.refusals(zoo.load("vae"))["posterior_mode"]
mode.save("fit")
assert inference.load("fit").diagnostics == mode.diagnostics
""",
    "A question": """
assert entropy.rows.shape == (272,)
assert 0 < entropy.mean < 0.1 < entropy.maximum
try:
    label_entropy(fit, site="labels")
except zoo.ZooError as error:
    assert "name one of z" in str(error)
else:
    raise AssertionError("no error")
""",
}

IN_A_COPY = ("A guide", "An engine", "A question")
EACH_BLOCK = """
import sys
for block in sys.argv[1:]:
    exec(block, {"__name__": "__main__"})
"""

EVERY_ENGINE = """
import numpy as np, zoo, inference
x = np.concatenate([np.random.default_rng(0).exponential(s, 60) for s in (0.2, 5.0)])
for backend, small in (("numpyro", {}), ("pyro", {"num_warmup": 20, "num_samples": 20, "num_chains": 1})):
    model = zoo.load("exponential_mixture", backend, K=2)
    supported = {engine for engine, reason in inference.refusals(model).items() if reason is None}
    assert supported == {"em", "nuts", "pathfinder", "svi"}, inference.refusals(model)
    em = inference.fit(model, x, "em")
    svi = inference.fit(model, x, "svi", num_steps=200)
    nuts = inference.fit(model, x, "nuts", **(small or {"num_warmup": 100, "num_samples": 100, "num_chains": 1}))
    paths = inference.fit(model, x, "pathfinder", num_paths=2, num_draws=100)
    for fit in (em, svi, nuts, paths):
        assert fit.log_likelihood().shape[-1] == 120
        assert np.isfinite(fit.summary()["mean" if "mean" in fit.summary() else "estimate"]).all()
    print(inference.compare(em, svi, nuts))
"""


def read_recipe(title):
    """The files of a recipe, ``{path: text}``, and its last block."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    files = dict(re.findall(r"^`([\w/]+\.py)`:.*?```python\n(.*?)```", section, re.DOTALL | re.MULTILINE))
    return files, re.findall(r"```python\n(.*?)```", section, re.DOTALL)[-1]


def write_files(files, folder):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def run(command, environment, folder=ROOT):
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def model_environment(tmp_path_factory):
    """The environment in which the model's files, without the optional M-step, are a model of the zoo."""
    folder = tmp_path_factory.mktemp("models")
    files = {path: text for path, text in read_recipe("A model")[0].items() if "/em/" not in path}
    assert list(files) == [f"{MODEL}/{name}" for name in ("__init__.py", "in_numpyro.py", "in_pyro.py")]
    assert 50 <= sum(len(text.splitlines()) for text in files.values()) <= 75, "about sixty lines"
    write_files(files, folder)
    return {**os.environ, "ZOO_MODELS": str(folder), "PYTHONPATH": str(ROOT)}


def test_the_recipe_of_a_model_runs(tmp_path):
    files, block = read_recipe("A model")
    write_files(files, tmp_path / "models")
    environment = {**os.environ, "ZOO_MODELS": str(tmp_path / "models"), "PYTHONPATH": str(ROOT)}
    assert run([sys.executable, "-W", "error::UserWarning", "-c", block + CHECKS["A model"]], environment, tmp_path)


@pytest.mark.slow
def test_the_recipes_of_a_guide_an_engine_and_a_question_run(tmp_path):
    """In one copy of the packages, so that the new folders are part of them; each has names of its own."""
    for package in ("zoo", "guides", "inference"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    environment, blocks = {**os.environ, "PYTHONPATH": str(tmp_path)}, []
    for title in IN_A_COPY:
        files, block = read_recipe(title)
        write_files(files, tmp_path)
        blocks.append(block + CHECKS[title])
    assert run([sys.executable, "-W", "error::UserWarning", "-c", EACH_BLOCK, *blocks], environment, tmp_path)


def test_tables_of_tests_run_over_the_new_model(model_environment):
    tests = ["tests/test_cards.py", "tests/test_enumeration.py"]
    output = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", MODEL, *tests], model_environment
    )
    assert re.search(r"([6-9]|[1-9]\d+) passed", output), output


@pytest.mark.slow
def test_every_engine_fits_the_new_model_in_both_backends(model_environment):
    assert "nuts" in run([sys.executable, "-W", "error::UserWarning", "-c", EVERY_ENGINE], model_environment)


def test_the_command_lists_the_new_model(model_environment):
    assert MODEL in run([sys.executable, "-m", "zoo", "list"], model_environment)
    assert "Exponential mixture" in run([sys.executable, "-m", "zoo", "show", MODEL], model_environment)
