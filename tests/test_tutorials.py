"""Every tutorial runs from top to bottom without a warning, draws what it names, and opens as a notebook."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from matplotlib.image import imread

from tests.table import need_data_of

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = sorted((ROOT / "tutorials").glob("*.py"))
RUN = """
import runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
assert "pyro" in sys.argv or not {"torch", "pyro"} & sys.modules.keys()
"""


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs_and_draws(path, tmp_path):
    text = path.read_text()
    need_data_of(text)
    env = {**os.environ, "FIGURES": str(tmp_path), "PYTHONPATH": str(ROOT)}
    languages = ["pyro"] if 'backend="pyro"' in text else []
    command = [sys.executable, "-W", "error", "-c", RUN, str(path), *languages]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    drawn = {figure.stem: imread(figure)[..., :3] for figure in tmp_path.glob("*.png")}
    named = re.findall(r'^Shown\(.*, "(\w+)"\)', text, re.MULTILINE)
    assert named
    assert sorted(named) == sorted(drawn)
    for name, image in drawn.items():
        inked = (image.min(-1) < 0.9).mean()
        assert 0.01 < inked < 0.9, f"{name} is blank"
        assert image.std() > 0.03, f"{name} is of one colour"


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
