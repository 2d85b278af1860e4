"""Which models have an M-step of their own: those with a folder here."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo import Model
from zoo.registry import in_backend


def promise(model: Model) -> ModuleType | None:
    """The folder of the model's closed form, or None; a program of the user's own has none, whatever its name."""
    ours = model.program.__module__ == f"zoo.{model.name}.in_{model.backend}"
    if not ours or not (Path(__file__).parent / model.name / "__init__.py").exists():
        return None
    return importlib.import_module(f"inference.em.{model.name}")


def of(model: Model, options: dict[str, Any]) -> ModuleType | None:
    """The backend's module with ``form(data, keywords, options)``, where there is one and it is wanted."""
    if not options["closed_form"] or promise(model) is None:
        return None
    return in_backend(f"inference.em.{model.name}", model.backend)


def check(model: Model, params: dict[str, Any], keywords: dict[str, Any], options: dict[str, Any]) -> None:
    """Let the closed form look at its solution, where it has a say: raises ZooError naming what collapsed."""
    look = getattr(promise(model), "check", None)
    if look:
        look(params, keywords, options)
