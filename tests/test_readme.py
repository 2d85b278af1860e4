"""The examples of the README and of the guide run as they stand, and their links exist."""

import re
from pathlib import Path

import pytest

from tests.table import skip_without_data

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/guide.md")
TEXTS = {page: (ROOT / page).read_text() for page in PAGES}
EXAMPLES = [
    pytest.param(page, code, id=f"{page}-{number}")
    for page, text in TEXTS.items()
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]
LINKS = [
    (page, path)
    for page in (*PAGES, "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "benchmarks/README.md")
    for path in re.findall(r"\]\(([\w./]+)\)", (ROOT / page).read_text())
]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), EXAMPLES)
def test_example_runs(page, code, tmp_path, monkeypatch):
    skip_without_data(code)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize(("page", "path"), LINKS)
def test_link_exists(page, path):
    assert ((ROOT / page).parent / path).exists()
