"""The table that tests run over: every model of the zoo, in every backend and variant."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from inference.engines import without_prior
from zoo import datasets

BACKENDS = tuple(zoo.BACKENDS)


def variants(name: str) -> list[dict[str, str]]:
    """The settings of each variant of a model: one word for each keyword that has variants."""
    choices: list[dict[str, str]] = [{}]
    for word, of in zoo.card(name).variants.items():
        choices = [{**c, word: value} for c in choices for value in of]
    return choices


CASES = [(name, settings) for name in zoo.names() for settings in variants(name)]
IDS = ["-".join([name, *settings.values()]) for name, settings in CASES]


def is_exact(name: str) -> bool:
    """Whether everything has a prior and every row a density without an integral: what exact EM and NUTS ask for."""
    card = zoo.card(name)
    left = [n for n in card.local() if n not in card.enumerated]
    return not without_prior(card) and (not left or "marginal" in card.exact)


EXACT = [name for name in zoo.names() if is_exact(name)]
LEARNED = [name for name in zoo.names() if without_prior(zoo.card(name))]  # of which SVI alone makes anything


def simulate_case(
    name: str, settings: dict[str, Any], seed: int = 0, **sizes: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """``(parameters, data)`` simulated from a model with one observed site."""
    card = zoo.card(name)
    every: dict[str, Any] = {**card.sizes, **sizes}
    model = zoo.load(name, "numpyro", **settings)
    values = model.simulate(seed, **every)
    (observed,) = card.observed
    return {n: values[n] for n in card.parameters(settings)}, model.data_of(values)[observed]


def to_set(name: str) -> dict[str, Any]:
    """Small values of the sizes that the data of a model do not determine, as K and Z."""
    card = zoo.card(name)
    lines = [card.sites()[site] for site in card.observed]
    determined = {letter for line in lines for letter in (*line.dims, *("V" if line.kind == "word" else ""))}
    return {letter: min(size, 2) for letter, size in card.sizes.items() if letter not in determined}


def invariant_params(name: str, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters, with W W' in place of W where the axes may be rotated."""
    if "rotation" not in zoo.card(name).symmetries.values():
        return params
    return {**params, "W": params["W"] @ np.swapaxes(params["W"], -1, -2)}


def observed(name: str) -> pd.DataFrame:
    """A data set, or a skip that says why where its file is neither kept nor to be had."""
    try:
        return datasets.observed(name)
    except zoo.ZooError as error:
        pytest.skip(str(error))


def need_data_of(text: str) -> None:
    """Skip unless every data set that a text loads is to be had."""
    for name in re.findall(r'datasets\.(?:load|observed)\("(\w+)"\)', text):
        observed(name)
