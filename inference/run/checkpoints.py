"""Runs on disk, in one file that is replaced in one step, so that it is always whole.

What is kept is all that the next step depends on. A run that goes on from it is, on the same device, bit for bit the
run that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo import ZooError

FILE = "checkpoint.npz"
PART = 1 << 20  # bytes of either end of an array that tell it from others: reading all of a large one takes long


def folder_of(given: Any) -> Path:
    """The folder that the option ``checkpoint`` names, made if it is not there; raises ZooError where it cannot be."""
    if not isinstance(given, str | os.PathLike):
        raise ZooError(f"checkpoint is the path of a folder; given {given!r}")
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"checkpoint={str(folder)!r} cannot be a folder: {error.strerror}") from error
    return folder


def read(folder: Path, asked: dict[str, str]) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """The arrays and plain values kept there, or None where nothing is.

    Raises ZooError for a file that is damaged, and for one of a run of which other things were ``asked``.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        plain = json.loads(str(arrays.pop("plain")))
        before, plain = plain["asked"], plain["plain"]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        why = f"{str(path)!r} is damaged, or no checkpoint"
        raise ZooError(f"{why}: name another folder, or move it away to begin anew") from error
    other = [n for n in asked if before.get(n) != asked[n]]
    if other:
        change = f"its {other[0]} was {before.get(other[0], 'nothing')}, and is {asked[other[0]]} here"
        raise ZooError(f"{str(path)!r} is of another run: {change}; ask for the same, or name another folder")
    return arrays, plain


def write(folder: Path, asked: dict[str, str], arrays: dict[str, np.ndarray], plain: dict[str, Any], at: str) -> None:
    """Replace what is kept. Where that fails the old file stays, and a warning says so; ``at``: where the run is."""
    draft = folder / f".{FILE}.part"
    said = np.array(json.dumps({"asked": asked, "plain": plain}))
    try:
        with open(draft, "wb") as file:
            np.savez(file, plain=said, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, folder / FILE)
    except OSError as error:
        draft.unlink(missing_ok=True)
        what = f"no checkpoint was kept at {at} in {str(folder)!r}"
        warnings.warn(f"{what} ({error.strerror}): an earlier one is as it was, and the run goes on", stacklevel=3)


def short(value: Any) -> str:
    """A text that tells a value from others: of arrays their shape and a digest.

    >>> short(0.5), short(None), short(np.zeros(3))[:22]
    ('0.5', 'None', 'array (3,) of 9d908ecf')
    """
    if not hasattr(value, "shape"):
        return getattr(value, "__qualname__", repr(value)) if callable(value) else repr(value)
    raw = np.asarray(getattr(value, "raw", value))  # intensities as they are kept
    digest, N = hashlib.sha256(), max(1, len(raw) if raw.ndim else 1)
    rows = max(1, PART * N // max(raw.nbytes, 1))
    ends = (raw,) if rows >= N or not raw.ndim else (raw[:rows], raw[-rows:])
    for end in ends:
        digest.update(np.ascontiguousarray(end).tobytes())
    return f"array {raw.shape} of {digest.hexdigest()[:8]}"
