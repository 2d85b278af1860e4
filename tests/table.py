"""The table that tests run over: every model of the zoo, in every backend and variant."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo

BACKENDS = tuple(zoo.BACKENDS)


def variants(name: str) -> list[dict[str, str]]:
    """The settings of each variant of a model: one word for each keyword that has variants."""
    choices: list[dict[str, str]] = [{}]
    for word, of in zoo.card(name).variants.items():
        choices = [{**c, word: value} for c in choices for value in of]
    return choices


CASES = [(name, settings) for name in zoo.names() for settings in variants(name)]
IDS = ["-".join([name, *settings.values()]) for name, settings in CASES]


def drawn(name: str, settings: dict[str, Any], seed: int = 0, **sizes: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """``(parameters, data)`` simulated from a model with one observed site."""
    card = zoo.card(name)
    values = zoo.load(name, "numpyro", **settings).simulate(seed, **{**card.sizes, **sizes})
    (observed,) = card.observed
    return {n: values[n] for n in card.parameters(settings)}, values[observed]
