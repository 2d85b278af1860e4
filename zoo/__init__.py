"""Latent variable models as programs. One folder is one model; the folder is the registry.

``names()`` lists them, ``card(name)`` describes one without importing a backend, and
``load(name, backend="numpyro", K=3)`` gives the program. ``Model(program, backend=...)`` wraps a program of your own,
as its author wrote it; ``read(model, *args, **kwargs)`` runs it once with its arguments, and gives a ``ReadModel``,
whose card has its sites, rows and dimensions. ``columns``, ``datasets``, ``corpus``, ``intensities`` and ``tables`` are
modules of ``zoo.data``. ``zoo.sklearn`` has estimators of scikit-learn.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from zoo._backend import BACKENDS
from zoo.cards import Card
from zoo.errors import MissingBackend, Refusal, ZooError
from zoo.model import Model
from zoo.read_model import ReadModel, read
from zoo.registry import card, load, names

if TYPE_CHECKING:
    from zoo.data import columns as columns
    from zoo.data import corpus as corpus
    from zoo.data import datasets as datasets
    from zoo.data import intensities as intensities
    from zoo.data import tables as tables

__all__ = [
    "BACKENDS",
    "Card",
    "MissingBackend",
    "Model",
    "ReadModel",
    "Refusal",
    "ZooError",
    "card",
    "load",
    "names",
    "read",
]

_MODULES = {  # imported when they are first used
    **{name: f"zoo.data.{name}" for name in ("columns", "corpus", "datasets", "intensities", "tables")},
    "sklearn": "zoo.sklearn",  # of the highest layer, as zoo.cli
}


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
