"""Guides: variational families, one folder each, and the guides of single models.

Each ``__init__.py`` describes the family and what it cannot express; ``in_<backend>.py`` provides
``guide(program, start=None)``: a guide, in the backend's own sense, for a program without discrete sites, that begins
at the values in ``start`` where there are any. A model's own guide is a hook (``zoo.hooks``): a folder here named like
the model, or ``guide/`` beside the model. It reads the rows (amortised inference), takes the arguments of the program,
and has a site for each of its latents, discrete ones too.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from guides._shared import Shared as Shared
from guides._shared import shared as shared
from guides._user import GuideFactory, factory_of, is_auto_guide, is_factory
from zoo import Model, registry
from zoo._backend import in_backend
from zoo.cards import Card
from zoo.errors import unknown
from zoo.hooks import find_hook
from zoo.types import Program


def families() -> list[str]:
    """Names of the guides that serve any program.

    >>> families()
    ['full_rank', 'mean_field', 'point']
    """
    folders = {f.parent.name for f in Path(__file__).parent.glob("[!_]*/in_*.py")}
    return sorted(folders - set(registry.names()))


def names() -> list[str]:
    """Names of all guides: the families, and the models that have a guide of their own."""
    cards, _ = registry.cards()
    return sorted([*families(), *(name for name, card in cards.items() if own_guide(card))])


def own_guide(card: Card) -> str | None:
    """The name of a model's own guide, which is that of the model.

    Parameters
    ----------
    card : zoo.Card

    Returns
    -------
    str or None
        None where the model has no guide of its own.
    """
    return card.name if find_hook(card.package, "guide", home="guides") else None


def _package(name: str) -> str:
    """The package of a guide; raises ZooError for an unknown name."""
    own = find_hook(registry.card(name).package, "guide", home="guides") if name in registry.names() else None
    if own:
        return own
    if name not in families():
        raise unknown("guide", name, names())
    return f"guides.{name}"


def about(name: str) -> str:
    """What the family is and what it cannot express; imports no backend.

    Parameters
    ----------
    name : str
        One of ``guides.names()``.

    Returns
    -------
    str

    Raises
    ------
    ZooError
        For an unknown name.
    """
    return (importlib.import_module(_package(name)).__doc__ or "").strip()


def options(name: str) -> dict[str, object]:
    """The options of SVI for which the guide declares other defaults, as ``OPTIONS`` in its package.

    Parameters
    ----------
    name
        As in ``about``.

    Returns
    -------
    dict
        Values by the name of the option.
    """
    return getattr(importlib.import_module(_package(name)), "OPTIONS", {})


def make(guide: str | Program, model: Model) -> GuideFactory:
    """The function ``guide(program, start=None)`` of a guide that is named or given.

    Parameters
    ----------
    guide : str or callable
        One of ``guides.names()``; a function of the program's own arguments; a class of the backend's automatic guides,
        or an instance made for the program; or a function ``guide(program, start)`` that makes a guide.
    model : zoo.Model
        The model whose program is fitted.

    Returns
    -------
    callable

    Raises
    ------
    ZooError
        For an unknown name, and for a guide that cannot be used with the program.
    """
    return load(guide, model.backend) if isinstance(guide, str) else factory_of(guide, model)


def is_automatic(guide: str | Program, model: Model) -> bool:
    """Whether a guide is an automatic one of the backend, a class or an instance.

    Parameters
    ----------
    guide : str or callable
        As of ``make``.
    model : zoo.Model
        The model whose program is fitted.

    Returns
    -------
    bool
    """
    return not isinstance(guide, str) and is_auto_guide(guide, model.backend)


def is_function(guide: str | Program, model: Model) -> bool:
    """Whether a guide is a function of the program's own arguments.

    Parameters
    ----------
    guide, model
        As in ``is_automatic``.

    Returns
    -------
    bool
    """
    return not isinstance(guide, str) and not is_auto_guide(guide, model.backend) and not is_factory(guide)


def load(name: str, backend: str = "numpyro") -> Program:
    """The function ``guide(program, start=None)`` of a guide in one backend.

    Parameters
    ----------
    name : str
        One of ``guides.names()``.
    backend : str
        "numpyro" or "pyro".

    Returns
    -------
    callable

    Raises
    ------
    ZooError
        For an unknown name or backend.
    """
    return in_backend(_package(name), backend).guide
