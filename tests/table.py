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
# of what is learned without a prior SVI alone makes anything: no point of EM's, no posterior
WITH_PRIORS = [name for name in zoo.names() if not without_prior(zoo.card(name))]


def drawn(name: str, settings: dict[str, Any], seed: int = 0, **sizes: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """``(parameters, data)`` simulated from a model with one observed site."""
    card = zoo.card(name)
    every: dict[str, Any] = {**card.sizes, **sizes}
    values = zoo.load(name, "numpyro", **settings).simulate(seed, **every)
    (observed,) = card.observed
    return {n: values[n] for n in card.parameters(settings)}, values[observed]


def to_set(name: str) -> dict[str, Any]:
    """Sizes that a model's data cannot tell, as K and Z: small ones, to be set."""
    card = zoo.card(name)
    told = {letter for site in card.observed for letter in card.sites()[site].dims}
    return {letter: min(size, 2) for letter, size in card.sizes.items() if letter not in told}


def free_of_turns(name: str, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters as they are, but where axes may be turned W W' for W."""
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
