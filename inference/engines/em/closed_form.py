"""Which models have an M-step of their own: those with a folder here.

Such a folder is of one of three kinds. It has ``in_<backend>.py`` with a ``Form`` (``exponential_family``). Or its
``__init__.py`` has the functions that ``linear_gaussian`` asks for, which is the same for all backends. Or, where the
E-step is no posterior but the best of a family (``latent_dirichlet``), its ``__init__.py`` has ``OPTIONS``, with other
defaults than EM's and more of them, and ``run(task)``, which is all of the engine for that model; ``begin(task, seed)``
gives the latents, those of the rows too, at which other engines may begin.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo import Card, Model, registry
from zoo._backend import in_backend


def promise(model: Model) -> Any:
    """The folder of the model's closed form, or None; a program of the user's own has none, whatever its name."""
    ours = model.program.__module__ == f"zoo.{model.name}.in_{model.backend}"
    if not ours or not (Path(__file__).parent / model.name / "__init__.py").exists():
        return None
    return importlib.import_module(f"inference.engines.em.{model.name}")


def variational(card: Card) -> Any:
    """The folder of a model whose E-step is the best of a family, or None; a card of the user's own has none."""
    if not (Path(__file__).parent / card.name / "__init__.py").exists():
        return None
    folder = importlib.import_module(f"inference.engines.em.{card.name}")
    return folder if hasattr(folder, "run") and card.citation == registry.card(card.name).citation else None


def is_linear_gaussian(model: Model, options: dict[str, Any]) -> bool:
    """Whether the model has such a closed form, and it is wanted."""
    return options["closed_form"] and model.card.linear is not None and promise(model) is not None


def of(model: Model, options: dict[str, Any]) -> ModuleType | None:
    """The backend's module with ``form(data, keywords, options)``, where there is one and it is wanted."""
    if not options["closed_form"] or promise(model) is None or model.card.linear or variational(model.card):
        return None
    return in_backend(f"inference.engines.em.{model.name}", model.backend)


def check(model: Model, params: dict[str, Any], keywords: dict[str, Any], options: dict[str, Any]) -> None:
    """Let the closed form look at its solution, where it has a say: raises ZooError naming what collapsed."""
    look = getattr(promise(model), "check", None)
    if look:
        look(params, keywords, options)
