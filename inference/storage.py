"""Saved fits: arrays in one npz file, everything else in one JSON file; no pickle, and a round trip is exact."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import ArrayLike

from inference import engines
from inference.diagnostics import WITHOUT_ENGINE, Diagnostics, FitKind
from inference.draws_model import DrawsCard, DrawsModel
from inference.objectives import words
from inference.objectives.estimators import Estimator
from inference.objectives.penalties import Penalty
from inference.record import FitRecord
from inference.run.checkpoints import Json
from zoo import Model, ReadModel, ZooError
from zoo import load as load_model
from zoo import names as model_names
from zoo.checks import as_settings
from zoo.data.atomic import check_replaceable, replace_folder
from zoo.data.columns import Columns
from zoo.data.corpus import Corpus
from zoo.data.intensities import Intensities
from zoo.saved_calls import call_from_json, call_to_json
from zoo.sites import Site
from zoo.types import DataLike

FORMAT = 1
FIT_FILE, ARRAYS_FILE = "fit.json", "arrays.npz"
ARRAY_GROUPS = ("data", "params", "draws", "stats", "state")
PLAIN_FIELDS = ("engine", "seed", "device", "dtype", "seconds")
NESTED_FIELDS = ("settings", "keywords", "options", "diagnostics")


class SavedFit(TypedDict):
    """The fields of ``FitRecord``, by name."""

    model: Model
    engine: str
    keywords: dict[str, Any]
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str | None
    data: dict[str, DataLike]
    seconds: float
    params: dict[str, np.ndarray]
    trace: np.ndarray
    draws: dict[str, np.ndarray]
    stats: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    diagnostics: Diagnostics


def save(fit: FitRecord, folder: Path) -> Path:
    """Write a fit to a folder in one step; raises ZooError where the folder holds something other than a fit."""
    arrays: dict[str, np.ndarray] = {"trace": np.asarray(fit.trace)}
    for group in ARRAY_GROUPS:
        for name, value in getattr(fit, group).items():
            arrays.update({f"{group}/{name}{part}": np.asarray(v) for part, v in _value_arrays(value).items()})
    program: dict[str, Any] = {"is_own": not fit.model.package}
    if isinstance(fit.model, ReadModel):
        program["call"], call_arrays = call_to_json(fit.model)
        arrays |= call_arrays
    if isinstance(fit.model, DrawsModel):
        program["draws_model"] = _draws_model_to_json(fit.model)
    plain = {
        "format": FORMAT,
        "model": fit.model.name,
        "settings": _to_json(fit.model.settings, "settings", arrays),
        "keywords": _to_json(fit.keywords, "keywords", arrays),
        "options": _to_json(fit.options, "options", arrays),
        "diagnostics": _to_json(dict(fit.diagnostics), "diagnostics", arrays),
        "diagnostics_class": type(fit.diagnostics).__name__,
        **{field: getattr(fit, field) for field in PLAIN_FIELDS},
        "backend": fit.model.backend,
        "columns": {} if isinstance(fit.model, ReadModel) else {n: list(names) for n, names in fit.columns.items()},
        "levels": {n: float(v.levels) for n, v in fit.data.items() if isinstance(v, Intensities)},
        **program,
    }
    check_fit_folder(folder)
    with replace_folder(folder) as new:
        np.savez(new / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]
        (new / FIT_FILE).write_text(json.dumps(plain, indent=1, allow_nan=True))
    return folder


def check_fit_folder(folder: Path) -> None:
    """Raise ZooError unless a fit may be saved there: the folder is absent, empty, or holds another fit."""
    check_replaceable(folder, FIT_FILE, "fit")


def read(folder: Path, model: Model | None, backend: str | None, device: str | None) -> SavedFit:
    """The fields of a saved fit, by name: see ``inference.load``."""
    try:
        plain = json.loads((folder / FIT_FILE).read_text())
        with open(folder / ARRAYS_FILE, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError as error:
        raise ZooError(f"{str(folder)!r} holds no fit: give the folder that save wrote") from error
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ZooError(f"{str(folder)!r} is damaged: {str(error).splitlines()[0]}") from error
    if plain.get("format") != FORMAT:
        raise ZooError(f"{str(folder)!r} is of format {plain.get('format')}; this version reads {FORMAT}")
    nested = {field: _from_json(plain[field], arrays) for field in NESTED_FIELDS}
    settings = nested.pop("settings")
    if "draws_model" in plain:
        if model is not None:
            raise ZooError(
                f"{str(folder)!r} was saved without a program: load it without model=, and give its to_arviz() to "
                "inference.from_arviz with model= and data="
            )
        model = _draws_model_from_json(plain)
    elif model is None:
        if plain.get("is_own", plain["model"] not in model_names()):
            raise ZooError(f"{plain['model']!r} is a program of your own: load(folder, model=zoo.Model(...))")
        model = load_model(plain["model"], backend=backend or plain["backend"], **settings)
    elif backend not in (None, model.backend):
        raise ZooError(f"the model given is one of {model.backend}, not of {backend}: give one of the two")
    if "call" in plain and model is not None:
        model = call_from_json(plain["call"], arrays, model, settings)
    elif model is not None:
        model = model.with_columns(plain.get("columns", {}))
    groups = {g: {n.split("/", 1)[1]: v for n, v in arrays.items() if n.startswith(f"{g}/")} for g in ARRAY_GROUPS}
    intensities = {n: Intensities(groups["data"][n], levels) for n, levels in plain.get("levels", {}).items()}
    return SavedFit(
        model=model,
        engine=plain["engine"],
        keywords=nested["keywords"] if "call" in plain else as_settings(nested["keywords"]),
        options=nested["options"],
        seed=plain["seed"],
        device=device or plain["device"],
        dtype=plain["dtype"],
        data=_join_corpora(groups["data"] | intensities),
        seconds=plain["seconds"],
        params=groups["params"],
        trace=arrays["trace"],
        draws=groups["draws"],
        stats=groups["stats"],
        state=groups["state"],
        diagnostics=_read_diagnostics(plain, nested["diagnostics"], groups),
    )


def _read_diagnostics(
    plain: Mapping[str, Any], values: Mapping[str, Any], groups: Mapping[str, Mapping[str, np.ndarray]]
) -> Diagnostics:
    """The diagnostics of a saved fit, in the record that its engine declares for them.

    Fits of version 0.1 do not name the record: it follows from the arrays and the diagnostics of the fit.
    """
    declared = engines.get(plain["engine"]).diagnostics if plain["engine"] in engines.names() else ()
    records = {record.__name__: record for record in (*declared, *WITHOUT_ENGINE)}
    name = plain.get("diagnostics_class")
    if name is None:
        kind: FitKind = "guide" if "log_weight" in groups["stats"] else "chains" if groups["draws"] else "point"
        kind = "amortised" if "elbo_nats_per_row" in values else kind
        names = [n for n, record in records.items() if record.kind == kind and record.required() <= set(values)]
        name = names[0] if names else ""
        values = {**values, "broken": "stopped" in values and "best_step" not in values}
    return records.get(name, Diagnostics).from_mapping(values)


def _draws_model_to_json(model: DrawsModel) -> dict[str, Json]:
    """What a model without a program knows."""
    sites: dict[str, Json] = {name: [site.kind, *site.dims] for name, site in model.card.sites().items()}
    return {"sites": sites, "version": model.version, "coords": {d: c.tolist() for d, c in model.coords.items()}}


def _draws_model_from_json(plain: Mapping[str, Any]) -> DrawsModel:
    """The model of a saved fit that was made elsewhere, without a program."""
    name, saved = plain["model"], plain["draws_model"]
    quantities = {n: Site(kind, tuple(dims)) for n, (kind, *dims) in saved["sites"].items()}
    card = DrawsCard(name, name.replace("_", " "), "draws made elsewhere", {}, {}, quantities=quantities)
    coords = {d: np.array(c) for d, c in saved["coords"].items()}
    return DrawsModel(card, library=plain["backend"], version=saved["version"], coords=coords)


def _value_arrays(value: DataLike) -> dict[str, ArrayLike]:
    """The arrays of one value, by the suffix of their names."""
    if isinstance(value, Corpus):
        parts = {"words": value.words, "counts": value.counts, "indptr": value.indptr, "V": value.V}
        names = {"vocabulary": value.vocabulary, "ids": value.ids}
        return {f"/corpus/{n}": v for n, v in (parts | names).items() if v is not None}
    return {"": value.raw if isinstance(value, Intensities) else value}


def _join_corpora(table: Mapping[str, DataLike]) -> dict[str, DataLike]:
    """Data whose corpora are made of their arrays again."""
    joined: dict[str, DataLike] = {}
    for name, value in table.items():
        site, is_corpus, part = name.partition("/corpus/")
        if is_corpus:
            joined.setdefault(site, {})[part] = value.tolist() if part in ("V", "vocabulary", "ids") else value
        else:
            joined[site] = value
    return {n: Corpus(**v) if isinstance(v, dict) else v for n, v in joined.items()}


def _to_json(values: Mapping[str, object], group: str, arrays: dict[str, np.ndarray]) -> dict[str, Json]:
    """The values as JSON; arrays at any depth are moved to ``arrays`` and leave their name."""

    def convert(value: object, path: str) -> Json:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            arrays[path] = value
            return {"array": path}
        if isinstance(value, dict):
            return {"dict": {k: convert(v, f"{path}/{k}") for k, v in value.items()}}
        if isinstance(value, list | tuple | range):
            return [convert(v, f"{path}/{i}") for i, v in enumerate(value)]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Estimator | Penalty):
            return words.text_of(value)
        if isinstance(value, Columns):
            return {"columns": convert(_columns_fields(value), path)}
        return {"name": getattr(value, "__qualname__", type(value).__name__)}  # of a function only the name is saved

    return {k: convert(v, f"{group}/{k}") for k, v in values.items()}


def _from_json(values: Mapping[str, Json], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The values that ``_to_json`` converted."""

    def convert(value: Json) -> object:
        if isinstance(value, list):
            return [convert(v) for v in value]
        if isinstance(value, dict):
            ((kind, content),) = value.items()
            if kind == "array" and isinstance(content, str):
                return arrays[content]
            if kind == "columns":
                return _read_columns(cast("dict[str, Any]", convert(content)))
            return {k: convert(v) for k, v in content.items()} if isinstance(content, dict) else content
        return value

    return {k: convert(v) for k, v in values.items()}


def _columns_fields(columns: Columns) -> dict[str, Any]:
    """The fields of the columns of a table; raises ZooError for levels that JSON cannot hold."""
    for name, levels in zip(columns.names, columns.categories, strict=True):
        kinds = {type(level).__name__ for level in levels if not isinstance(level, str | int | float | np.generic)}
        if kinds:
            raise ZooError(f"column {name} has levels of type {min(kinds)}, which files do not hold: make them words")
    return dataclasses.asdict(columns)


def _read_columns(values: Mapping[str, Any]) -> Columns:
    """The columns of a table, from lists of their fields."""
    categories = tuple(map(tuple, values["categories"]))
    return Columns(tuple(values["names"]), categories, tuple(values["counts"]), tuple(values["covariates"]))
