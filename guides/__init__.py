"""Variational families. One folder is one guide; a folder named like a model is that model's own.

Each ``__init__.py`` tells the family and what it cannot express; ``in_<backend>.py`` promises
``guide(program, start=None)``: a guide, in the backend's own sense, for a program without discrete sites,
that begins at the values in ``start`` where there are any. A model's own guide reads the rows instead (amortised
inference), takes the arguments of the program, and has a site for each of its latents, discrete ones too.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo._backend import in_backend
from zoo.errors import unknown


def names() -> list[str]:
    """Names of all guides."""
    return sorted({f.parent.name for f in Path(__file__).parent.glob("*/in_*.py")})


def about(name: str) -> str:
    """What the family is and what it cannot express; imports no backend."""
    if name not in names():
        raise unknown("guide", name, names())
    return (importlib.import_module(f"guides.{name}").__doc__ or "").strip()


def options(name: str) -> dict[str, Any]:
    """The options of SVI that the guide wants others of than its defaults, by the name ``OPTIONS`` in its folder."""
    about(name)
    return getattr(importlib.import_module(f"guides.{name}"), "OPTIONS", {})


def load(name: str, backend: str = "numpyro") -> Callable[..., Any]:
    """The function ``guide(program, start=None)`` of a family in one backend. Raises ZooError."""
    about(name)
    return in_backend(f"guides.{name}", backend).guide
