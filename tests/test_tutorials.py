"""Every tutorial runs without a warning, saves the figures it names, and opens as a notebook."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from matplotlib.image import imread

from tests.table import skip_without_data

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = sorted((ROOT / "tutorials").glob("[0-9]*.py"))
RUN = """
import pathlib, runpy, sys
sys.path.insert(0, str(pathlib.Path(sys.argv[1]).parent))  # as `python tutorials/01_mixtures.py` does
runpy.run_path(sys.argv[1], run_name="__main__")
assert "pyro" in sys.argv or not {"torch", "pyro"} & sys.modules.keys()
"""


# not as tests/conftest.py compiles: the numbers in the text are those of optimised code, which users run
OPTIMISED = {"XLA_FLAGS": "--xla_cpu_parallel_codegen_split_count=1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "0"}


# most take more than a minute; fast tests check the same results, and pyright every call
@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_tutorial_runs_and_saves_its_figures(path, tmp_path):
    text = path.read_text()
    skip_without_data(text)
    env = {**os.environ, "FIGURES": str(tmp_path), "PYTHONPATH": str(ROOT), **OPTIMISED}
    backends = ["pyro"] if 'backend="pyro"' in text else []
    command = [sys.executable, "-W", "error", "-c", RUN, str(path), *backends]
    result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    images = {figure.stem: imread(figure)[..., :3] for figure in tmp_path.glob("*.png")}
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    names = [
        ast.literal_eval(call.args[1]) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "show"
    ]
    assert names
    assert sorted(names) == sorted(images)
    for name, image in images.items():
        coloured = (image.min(-1) < 0.9).mean()
        assert 0.01 < coloured < 0.9, f"{name} is blank"
        assert image.std() > 0.03, f"{name} has one colour"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_a_notebook(path):
    cells = jupytext.read(path, fmt="py:percent").cells
    assert {cell.cell_type for cell in cells} == {"markdown", "code"}
    assert cells[0].source.startswith("# ")  # a title
    for cell in cells:
        assert cell.source.strip()
        if cell.cell_type == "markdown":
            assert cell.source.count("$$") % 2 == 0
            assert cell.source.replace("$$", "").count("$") % 2 == 0
