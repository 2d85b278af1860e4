"""Imports of fresh processes: no backend before it is needed, and nothing heavy for help."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOREIGN = {"numpyro": ("torch", "pyro"), "pyro": ("jax", "numpyro")}

FIT = """
import inference, zoo
from zoo import datasets
model = zoo.load("gaussian_mixture", backend={backend!r}, K=2, covariance="spherical")
fit = inference.fit(model, datasets.load("faithful"), engine="em", max_iter=2, tol=0)
assert len(fit.local()["z"]) == 272
"""
COMMAND = """
from typer.testing import CliRunner
from zoo.cli import app
result = CliRunner().invoke(app, {words!r})
assert result.exit_code == 0, result.output
"""


def imported_by(code: str, tmp_path: Path, watched: tuple[str, ...]) -> set[str]:
    """Those of the watched packages that a fresh process has imported after running the code."""
    code += f"\nimport sys\nprint(*[m for m in {watched!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import zoo\nfor name in zoo.names(): assert zoo.card(name).sites()",
        "import guides\nfor name in guides.names(): assert guides.about(name)",
        "from inference import engines\nfor name in engines.names(): assert engines.get(name).options",
        COMMAND.format(words=["--help"]),
        COMMAND.format(words=["fit", "--help"]),
        COMMAND.format(words=["list"]),
        COMMAND.format(words=["show", "gaussian_mixture"]),
    ],
    ids=["cards", "guides", "engines", "zoo --help", "zoo fit --help", "zoo list", "zoo show"],
)
def test_cards_and_help_import_no_backend(code, tmp_path):
    backends = ("jax", "torch", "numpyro", "pyro")
    assert imported_by(code, tmp_path, backends) == set()


HEAVY = ("jax", "torch", "pandas", "scipy", "sklearn", "matplotlib", "arviz_base", "pooch", "xarray", "optax")


@pytest.mark.parametrize(
    "code", [COMMAND.format(words=["--help"]), "import inference"], ids=["zoo --help", "inference"]
)
def test_help_and_inference_import_nothing_heavy(code, tmp_path):
    assert imported_by(code, tmp_path, HEAVY) == set()


@pytest.mark.parametrize("backend", FOREIGN)
def test_one_backend_never_imports_the_other(backend, tmp_path):
    assert imported_by(FIT.format(backend=backend), tmp_path, FOREIGN[backend]) == set()


def test_the_error_of_a_missing_backend_names_the_installation(tmp_path):
    # find_spec is what tells the zoo whether a package is there: make it find no torch
    code = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("torch", "pyro") else find(name, *rest)
import zoo
try:
    zoo.load("gaussian_mixture", backend="pyro", K=2)
except zoo.MissingBackend as error:
    assert "pip install 'latent-zoo[pyro]'" in str(error), error
    assert isinstance(error, ImportError) and "\\n" not in str(error)
else:
    raise AssertionError("no error")
"""
    assert imported_by(code, tmp_path, ("torch", "pyro")) == set()


def test_files_beside_the_code_are_in_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]
    files = [p for name in ("zoo", "guides", "inference") for p in (ROOT / name).rglob("*") if p.is_file()]
    others = [p.relative_to(ROOT) for p in files if p.suffix != ".py" and p.parent.name != "__pycache__"]
    assert others
    for path in others:
        package = ".".join(path.parent.parts)
        assert any(path.match(pattern) for pattern in patterns.get(package, [])), path
