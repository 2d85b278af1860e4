"""The arguments of a call as JSON and arrays, and back: what a saved fit keeps of the call of a user's program.

Numbers, strings, None, arrays, and dicts, lists and tuples of them are saved. Of anything else only the type is, and
the settings of the model have to give it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo._programs.arguments import Arguments, Path, is_numeric
from zoo.errors import ZooError

CONTAINERS = {"list": list, "tuple": tuple}


def arguments_to_json(arguments: Arguments) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The call as JSON, and its arrays by the names that the JSON has for them."""
    names = {path: name for name, path in arguments.paths.items()}
    arrays: dict[str, np.ndarray] = {}

    def convert(value: Any, path: Path) -> object:
        if path in names:
            key = f"call/{len(arrays)}"
            arrays[key] = arguments.arrays[names[path]]
            columns = arguments.columns.get(names[path])
            labels = {} if columns is None else {"columns": [convert(c, ()) for c in columns]}
            return {"array": key, "name": names[path], **labels}
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return {"value": value}
        if isinstance(value, Mapping):
            return {"dict": [[convert(k, ()), convert(v, (*path, k))] for k, v in value.items()]}
        if type(value) in CONTAINERS.values() and not is_numeric(value):
            items = [convert(v, (*path, i)) for i, v in enumerate(value)]
            return {type(value).__name__: items}
        return {"type": type(value).__name__}

    call = {name: convert(value, (name,)) for name, value in arguments.values.items()}
    return {"values": call, "positional": list(arguments.positional)}, arrays


def arguments_from_json(
    saved: Mapping[str, Any], arrays: Mapping[str, np.ndarray], settings: Mapping[str, object], program: str
) -> Arguments:
    """The call that ``arguments_to_json`` converted; arguments that it does not hold are those of the settings.

    Raises ZooError for an argument that is in neither.
    """
    entries: dict[str, np.ndarray] = {}
    paths: dict[str, Path] = {}
    columns: dict[str, list[Any]] = {}

    def convert(value: Mapping[str, Any], path: Path) -> Any:
        if "array" in value:
            name = value["name"]
            entries[name], paths[name] = arrays[value["array"]], path
            if "columns" in value:
                columns[name] = [convert(c, ()) for c in value["columns"]]
            return entries[name]
        if "value" in value:
            return value["value"]
        if "dict" in value:
            keys = [convert(k, ()) for k, _ in value["dict"]]
            return {k: convert(v, (*path, k)) for k, (_, v) in zip(keys, value["dict"], strict=True)}
        for name, container in CONTAINERS.items():
            if name in value:
                return container(convert(v, (*path, i)) for i, v in enumerate(value[name]))
        raise NotSaved(value["type"])

    values: dict[str, object] = {}
    for name, value in saved["values"].items():
        try:
            values[name] = convert(value, (name,))
        except NotSaved as error:
            if name not in settings:
                raise ZooError(
                    f"{name} of {program} holds a {error}, which is not saved: give it again, "
                    f"model=zoo.Model({program}, backend=..., {name}=...)"
                ) from None
            values[name] = settings[name]
    return Arguments(values, tuple(saved["positional"]), entries, paths, columns)


class NotSaved(Exception):
    """A value of a type that is not saved."""
