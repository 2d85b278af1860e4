"""A fit on disk: arrays in one npz, everything else in one JSON. No pickle; a round trip is exact."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inference import engines
from inference.diagnostics import Diagnostics, FitKind
from inference.record import FitRecord
from zoo import Model, ZooError
from zoo import load as load_model
from zoo import names as model_names
from zoo.data.corpus import Corpus
from zoo.data.intensities import Intensities

FORMAT = 1
GROUPS = ("data", "params", "draws", "stats", "state")


def save(fit: FitRecord, folder: Path) -> Path:
    """Write the fit beside ``folder`` and move it there in one step, so that no half-written fit is ever seen."""
    arrays: dict[str, np.ndarray] = {"trace": np.asarray(fit.trace)}
    for group in GROUPS:
        for name, value in getattr(fit, group).items():
            arrays.update({f"{group}/{name}{part}": np.asarray(v) for part, v in _parts(value).items()})
    plain = {
        "format": FORMAT,
        "model": fit.model.name,
        "settings": _plain(fit.model.settings, "settings", arrays),
        "keywords": _plain(fit.keywords, "keywords", arrays),
        "options": _plain(fit.options, "options", arrays),
        "diagnostics": _plain(dict(fit.diagnostics), "diagnostics", arrays),
        "diagnostics_class": type(fit.diagnostics).__name__,
        **{k: getattr(fit, k) for k in ("engine", "seed", "device", "dtype", "seconds")},
        "backend": fit.model.backend,
        "levels": {n: float(v.levels) for n, v in fit.data.items() if isinstance(v, Intensities)},
    }
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as draft:
        new = Path(draft) / "new"
        new.mkdir()
        np.savez(new / "arrays.npz", **arrays)  # type: ignore[arg-type]
        (new / "fit.json").write_text(json.dumps(plain, indent=1, allow_nan=True))
        if folder.exists():
            os.replace(folder, Path(draft) / "old")
        os.replace(new, folder)
    return folder


def check_free(folder: Path) -> None:
    """Raise ZooError unless a fit may be saved there: nothing is there, or another fit."""
    if folder.exists() and not (folder / "fit.json").exists() and (folder.is_file() or any(folder.iterdir())):
        raise ZooError(f"{str(folder)!r} holds something other than a fit: name another folder")


def read(folder: Path, model: Model | None, backend: str | None, device: str | None) -> dict[str, Any]:
    """The fields of a saved fit, by name: see ``inference.load``."""
    try:
        plain = json.loads((folder / "fit.json").read_text())
        with open(folder / "arrays.npz", "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError as error:
        raise ZooError(f"{str(folder)!r} holds no fit: give the folder that save wrote") from error
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ZooError(f"{str(folder)!r} is damaged: {str(error).splitlines()[0]}") from error
    if plain.get("format") != FORMAT:
        raise ZooError(f"{str(folder)!r} is of format {plain.get('format')}; this version reads {FORMAT}")
    words = {k: _full(plain[k], k, arrays) for k in ("settings", "keywords", "options", "diagnostics")}
    if model is None:
        if plain["model"] not in model_names():
            raise ZooError(f"{plain['model']!r} is a program of your own: load(folder, model=zoo.Model(...))")
        model = load_model(plain["model"], backend=backend or plain["backend"], **words["settings"])
    elif backend not in (None, model.backend):
        raise ZooError(f"the model given is one of {model.backend}, not of {backend}: give one of the two")
    groups: dict[str, dict[str, Any]] = {
        g: {n.split("/", 1)[1]: v for n, v in arrays.items() if n.startswith(f"{g}/")} for g in GROUPS
    }
    groups["data"] |= {n: Intensities(groups["data"][n], levels) for n, levels in plain.get("levels", {}).items()}
    groups["data"] = _whole(groups["data"])
    scalars = {k: plain[k] for k in ("engine", "seed", "device", "dtype", "seconds")}
    scalars["device"] = device or scalars["device"]
    del words["settings"]
    words["diagnostics"] = diagnostics_of(plain, words["diagnostics"], groups)
    return {"model": model, "trace": arrays["trace"], **words, **groups, **scalars}


def diagnostics_of(plain: Mapping[str, Any], values: Mapping[str, Any], groups: Mapping[str, Any]) -> Diagnostics:
    """The diagnostics of a saved fit, in the record that its engine declares for them.

    Fits of version 0.1 do not name the record: it is told by what the fit holds.
    """
    known = (
        {c.__name__: c for c in engines.get(plain["engine"]).diagnostics} if plain["engine"] in engines.names() else {}
    )
    name = plain.get("diagnostics_class")
    if name is None:
        kind: FitKind = "guide" if "log_weight" in groups["stats"] else "chains" if groups["draws"] else "point"
        kind = "amortised" if "elbo_nats_per_row" in values else kind
        own = [n for n, c in known.items() if c.kind == kind and c.required() <= set(values)]
        name = own[0] if own else ""
        values = {**values, "broken": "stopped" in values and "best_step" not in values}
    return known.get(name, Diagnostics).from_mapping(values)


def _parts(value: Any) -> dict[str, Any]:
    """The arrays that a value is kept as, each with the end of its name."""
    if isinstance(value, Corpus):
        parts = {"words": value.words, "counts": value.counts, "indptr": value.indptr, "V": value.V}
        words = {} if value.vocabulary is None else {"vocabulary": value.vocabulary}
        return {f"/corpus/{n}": v for n, v in (parts | words).items()}
    return {"": value.raw if isinstance(value, Intensities) else value}


def _whole(table: dict[str, Any]) -> dict[str, Any]:
    """Data with its corpora put together again."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        site, of_corpus, part = name.partition("/corpus/")
        if of_corpus:
            found.setdefault(site, {})[part] = value.tolist() if part in ("V", "vocabulary") else value
        else:
            found[site] = value
    return {n: Corpus(**v) if isinstance(v, dict) else v for n, v in found.items()}


def _plain(values: dict[str, Any], group: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The values as JSON; arrays, wherever they lie, go to ``arrays`` and leave their name behind."""

    def one(value: Any, path: str) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            arrays[path] = value
            return {"array": path}
        if isinstance(value, dict):
            return {"dict": {k: one(v, f"{path}/{k}") for k, v in value.items()}}
        if isinstance(value, list | tuple | range):
            return [one(v, f"{path}/{i}") for i, v in enumerate(value)]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        return {"name": getattr(value, "__qualname__", type(value).__name__)}  # a function: its name is what lasts

    return {k: one(v, f"{group}/{k}") for k, v in values.items()}


def _full(values: dict[str, Any], group: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(v) for v in value]
        if isinstance(value, dict):
            ((kind, inner),) = value.items()
            return {
                "array": lambda: arrays[inner],
                "dict": lambda: {k: one(v) for k, v in inner.items()},
                "name": lambda: inner,
            }[kind]()
        return value

    return {k: one(v) for k, v in values.items()}
