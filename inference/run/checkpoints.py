"""Checkpoints of long runs: one file in a folder, replaced in one step.

A checkpoint holds everything that the next step depends on: a resumed run is, on the same device, equal to an
uninterrupted one, bit for bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from zoo.data.atomic import replace_file
from zoo.errors import ZooError

FILE = "checkpoint.npz"
NO_REASONS: Mapping[str, str] = {}
DIGEST_BYTES = 1 << 20  # of either end of an array: to read all of a large one takes long


# values as JSON stores them
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def make_folder(given: object) -> Path:
    """The folder that the option ``checkpoint`` names, created where it is missing.

    Parameters
    ----------
    given : str or path-like
        The value of the option.

    Returns
    -------
    Path

    Raises
    ------
    ZooError
        For a value that is no path, and for a folder that cannot be created.
    """
    if not isinstance(given, str | os.PathLike):
        raise ZooError(f"checkpoint is the path of a folder; given {given!r}")
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"checkpoint={str(folder)!r} cannot be a folder: {error.strerror}") from error
    return folder


def load_checkpoint(
    folder: Path, settings: dict[str, str], reasons: Mapping[str, str] = NO_REASONS
) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Read the checkpoint of a folder.

    Parameters
    ----------
    folder : Path
        As of ``make_folder``.
    settings : dict of str to str
        What the run depends on, each described by ``describe``.
    reasons : mapping of str to str, optional
        Why a setting must be the same, for the error, where that is not plain.

    Returns
    -------
    tuple of dict and dict, or None
        The arrays and the plain values; None where there is no checkpoint.

    Raises
    ------
    ZooError
        For a damaged file, and for a checkpoint of a run with other settings.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        content = json.loads(str(arrays.pop("plain")))
        before, plain = content["asked"], content["plain"]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = f"{str(path)!r} is damaged, or no checkpoint"
        raise ZooError(f"{reason}: name another folder, or move it away to begin anew") from error
    changed = [n for n in settings if before.get(n) != settings[n]]
    if changed:
        name = changed[0]
        change = f"its {name} was {before.get(name, 'nothing')}, and is {settings[name]} here"
        change += f" ({reasons[name]})" if name in reasons else ""
        raise ZooError(f"{str(path)!r} is of another run: {change}; use the same settings, or name another folder")
    return arrays, plain


def save_checkpoint(
    folder: Path, settings: dict[str, str], arrays: dict[str, np.ndarray], plain: Mapping[str, Json], position: str
) -> None:
    """Replace the checkpoint of a folder; where that fails the old file stays, and there is a warning.

    Parameters
    ----------
    folder : Path
        As of ``make_folder``.
    settings : dict of str to str
        As in ``load_checkpoint``.
    arrays, plain : dict
        Everything the next step depends on: arrays, and values that JSON can hold.
    position : str
        How far the run is, as in "step 100", for the warning.
    """
    content = np.array(json.dumps({"asked": settings, "plain": plain}))
    try:
        with replace_file(folder / FILE) as path, open(path, "wb") as file:
            np.savez(file, plain=content, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        failure = f"no checkpoint was saved at {position} in {str(folder)!r} ({error.strerror})"
        warnings.warn(f"{failure}: the run goes on, and an earlier checkpoint is unchanged", stacklevel=3)


def describe(value: object) -> str:
    """A short text that differs where values differ: of arrays the shape and a digest.

    Parameters
    ----------
    value
        An array, ``Intensities``, a function, a dataclass, a mapping or sequence of such, or a plain value.

    Returns
    -------
    str

    Examples
    --------
    >>> describe(0.5), describe(None), describe(np.zeros(3))[:22]
    ('0.5', 'None', 'array (3,) of 9d908ecf')
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{n!r}: {describe(v)}' for n, v in value.items())}}}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(describe, value))})"
    if not hasattr(value, "shape"):
        if is_dataclass(value) and not isinstance(value, type):  # functions among its fields have no address here
            fields_text = ", ".join(f"{f.name}={describe(getattr(value, f.name))}" for f in fields(value))
            return f"{type(value).__qualname__}({fields_text})"
        return getattr(value, "__qualname__", repr(value)) if callable(value) else repr(value)
    raw = np.asarray(getattr(value, "raw", value))  # intensities as they are stored
    digest, N = hashlib.sha256(), max(1, len(raw) if raw.ndim else 1)
    rows = max(1, DIGEST_BYTES * N // max(raw.nbytes, 1))
    ends = (raw,) if rows >= N or not raw.ndim else (raw[:rows], raw[-rows:])
    for end in ends:
        digest.update(np.ascontiguousarray(end).tobytes())
    return f"array {raw.shape} of {digest.hexdigest()[:8]}"
