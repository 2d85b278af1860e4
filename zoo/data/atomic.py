"""Files and folders written in one step: a reader finds the old version or the complete new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import ZooError


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, and move the file written there to ``path`` at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as draft:
        yield Path(draft) / "new"
        os.replace(Path(draft) / "new", path)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Give an empty temporary folder beside ``folder``, and put it in the place of ``folder`` at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as draft:
        new = Path(draft) / "new"
        new.mkdir()
        yield new
        if folder.exists():
            os.replace(folder, Path(draft) / "old")
        os.replace(new, folder)


def check_replaceable(folder: Path, marker: str, content: str) -> None:
    """Raise ZooError unless the folder is absent, empty, or holds what may be replaced: "fit", or "corpus".

    marker: the name of a file by which the content is recognised.
    """
    if folder.exists() and not (folder / marker).exists() and (folder.is_file() or any(folder.iterdir())):
        raise ZooError(f"{str(folder)!r} holds something other than a {content}: name another folder")
