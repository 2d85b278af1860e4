"""The folders of ``inference/`` that define ``refuses`` are the engines."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from zoo import Card, Model
from zoo.errors import Refusal, ZooError, unknown


@dataclass(frozen=True)
class Task:
    """What an engine is given: numpy and plain values alone; it carries ``keywords`` and ``table`` over at its door."""

    model: Model
    keywords: dict[str, Any]  # every keyword of the program
    table: dict[str, np.ndarray]  # the data, by site
    seed: int
    options: dict[str, Any]  # every option of the engine, as set or by default
    progress: bool

    @property
    def card(self) -> Card:
        return self.model.card

    @property
    def program(self) -> Callable[..., Any]:
        """What the engine runs: local latents integrated out where the model can, unless the option says not."""
        whole = self.options.get("collapsed") is False
        return self.model.program if whole else self.model.collapsed or self.model.program

    @property
    def rows(self) -> int:
        """How many rows the data has."""
        return len(next(iter(self.table.values())))


@dataclass
class Answer:
    """What an engine gives back, as numpy: see ``Fit`` for the meaning of each."""

    params: dict[str, np.ndarray]
    trace: np.ndarray
    draws: dict[str, np.ndarray] = field(default_factory=dict)
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)  # hyperparameters that were learned, in place of those given


def names() -> list[str]:
    """Names of all engines."""
    here = Path(__file__).parent
    return sorted(f.parent.name for f in here.glob("*/__init__.py") if "def refuses(" in f.read_text())


def get(name: str) -> ModuleType:
    """The engine's promise: its ``refuses(card, backend)`` and its ``OPTIONS``; imports no backend."""
    if name not in names():
        raise unknown("engine", name, names())
    return importlib.import_module(f"inference.engines.{name}")


def refusals(model: Model) -> dict[str, str | None]:
    """For each engine the reason it refuses the model, or None where it takes it."""
    return {name: get(name).refuses(model.card, model.backend) for name in names()}


def takers(card: Card, backend: str) -> list[str]:
    """The engines that take a model, the one to begin with first: em, svi, nuts, the others; raises Refusal if none."""
    order = dict.fromkeys(("em", "svi", "nuts", *names()))
    found = [name for name in order if not get(name).refuses(card, backend)]
    if not found:
        raise Refusal(f"no engine takes {card.name}: {get('svi').refuses(card, backend)}")
    return found


def without_prior(card: Card) -> str | None:
    """Why an engine that wants a prior on everything cannot take a model, or None where it has one."""
    learned = [*card.networks, *card.learned]
    return f"{', '.join(learned)} is learned without a prior" if learned else None


def complete(engine: str, options: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The engine's options, defaults filled in; raises ZooError for a name it does not know, or a word for a number."""
    promise = get(engine)
    known = {**promise.OPTIONS, **(promise.defaults(card) if hasattr(promise, "defaults") else {})}
    for option, value in options.items():
        if option not in known:
            raise unknown(f"option of {engine}", option, known)
        if isinstance(value, str) and isinstance(known[option], int | float):
            raise ZooError(f"{option} is {known[option]!r} by default: give a value of that kind, not {value!r}")
    return {**known, **options}
