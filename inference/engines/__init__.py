"""Engines: the packages of this folder that define ``ENGINE``.

``names()`` lists them in the order in which they are tried, ``get(name)`` returns one, and ``supported_engines(card,
backend)`` those that can fit a model. The contract is in ``inference.engines.contract``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from inference.engines.contract import Engine, EngineResult, FitRequest
from inference.engines.options import EngineOptions
from zoo import Card, Model
from zoo.errors import Refusal, unknown

__all__ = [
    "Engine",
    "EngineOptions",
    "EngineResult",
    "FitRequest",
    "get",
    "names",
    "refusals",
    "supported_engines",
    "without_prior",
]


@cache
def _engines() -> dict[str, Engine]:
    """Every engine by name, in the order that they declare."""
    packages = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__) if m.ispkg]
    engines = [package.ENGINE for package in packages if isinstance(getattr(package, "ENGINE", None), Engine)]
    return {engine.name: engine for engine in sorted(engines, key=lambda e: (e.order, e.name))}


def names() -> list[str]:
    """Names of all engines, the one to try first at the front."""
    return list(_engines())


def get(name: str) -> Engine:
    """An engine by name; imports no backend.

    Parameters
    ----------
    name : str
        One of ``inference.engines.names()``.

    Returns
    -------
    Engine

    Raises
    ------
    ZooError
        For an unknown name.
    """
    if name not in _engines():
        raise unknown("engine", name, names())
    return _engines()[name]


def refusals(model: Model) -> dict[str, str | None]:
    """For each engine why it cannot fit the model, or None where it can.

    Parameters
    ----------
    model : zoo.Model

    Returns
    -------
    dict of str to str or None
        By the name of the engine.
    """
    return {name: engine.refuses(model.card, model.backend) for name, engine in _engines().items()}


def supported_engines(card: Card, backend: str) -> list[str]:
    """The engines that can fit a model, the one to try first at the front.

    Parameters
    ----------
    card : zoo.Card
    backend : str
        "numpyro" or "pyro".

    Returns
    -------
    list of str

    Raises
    ------
    Refusal
        Where no engine can.
    """
    refused = {name: engine.refuses(card, backend) for name, engine in _engines().items()}
    supported = [name for name, reason in refused.items() if not reason]
    if not supported:
        raise Refusal(f"no engine supports {card.name}: " + "; ".join(f"{n}: {why}" for n, why in refused.items()))
    return supported


def without_prior(card: Card) -> str | None:
    """Why an engine that needs a prior on every parameter cannot fit a model.

    Parameters
    ----------
    card : zoo.Card

    Returns
    -------
    str or None
        None where every parameter has a prior.
    """
    learned = [*card.networks, *card.learned]
    return f"{', '.join(learned)} is learned without a prior" if learned else None
