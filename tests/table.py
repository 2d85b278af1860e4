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
# of tests in which compiling takes NumPyro longer than all else, and Pyro tries the same claim
SLOW_IN_NUMPYRO = [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"]
SLOW_IN_PYRO = ["numpyro", pytest.param("pyro", marks=pytest.mark.slow)]


def variants(name: str) -> list[dict[str, Any]]:
    """The settings of each variant of a model: one word for each keyword that has variants."""
    settings: list[dict[str, Any]] = [{}]
    for keyword, choices in zoo.card(name).variants.items():
        settings = [{**s, keyword: choice} for s in settings for choice in choices]
    return settings


CASES = [(name, settings) for name in zoo.names() for settings in variants(name)]
IDS = ["-".join([name, *map(str, settings.values())]) for name, settings in CASES]
# settings that are no variant, and change the latents
FURTHER_CASES: list[tuple[str, dict[str, Any]]] = [
    ("mixed_latent_class", {"columns": "3,0,count,2,0"}),
    ("switching_regression", {"columns": ("covariate", 0), "transitions": "covariates"}),
    ("switching_regression", {"columns": (2, "count")}),
    ("linear_dynamical_system", {"fixed_W": ((1.0, 0.0), (0.0, 2.0), (1.0, -1.0)), "fixed_Psi": 0.5}),
    ("linear_dynamical_system", {"structure": "local_trend", "fixed_level_sd": 0.1}),
]
FURTHER_IDS = ["-".join([name, *settings]) for name, settings in FURTHER_CASES]
SEQUENCES = ("hidden_markov", "linear_dynamical_system")


def is_exact(name: str) -> bool:
    """Whether every parameter has a prior and every row a density without an integral, as exact EM and NUTS need."""
    card = zoo.card(name)
    not_summed = [n for n in card.local() if n not in card.enumerated]
    return not without_prior(card) and (not not_summed or "marginal" in card.exact)


EXACT = [name for name in zoo.names() if is_exact(name)]
LEARNED = [name for name in zoo.names() if without_prior(zoo.card(name))]  # SVI alone fits them


def simulate_case(
    name: str, settings: dict[str, Any], seed: int = 0, **sizes: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """``(parameters, data)`` simulated from a model with one observed site."""
    card = zoo.card(name)
    all_sizes: dict[str, Any] = {**card.sizes, **sizes}
    # Pyro compiles nothing; tests of sequences know the maxima of the rows of NumPyro
    model = zoo.load(name, "numpyro" if name in SEQUENCES else "pyro", **settings)
    values = model.simulate(seed, **all_sizes)
    (site,) = card.observed
    return {n: values[n] for n in card.parameters(settings)}, model.data_of(values)[site]


def without_density(card: zoo.Card, settings: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Whether each column of a table is a covariate, which has no density, (D,)."""
    return np.array([kind == "covariate" for kind in card.column_kinds(settings, x.shape[-1])])


def required_sizes(name: str) -> dict[str, Any]:
    """Small values of the sizes that are not read off a model's data, such as K and Z."""
    card = zoo.card(name)
    lines = [card.sites()[site] for site in card.observed]
    data_letters = {letter for line in lines for letter in (*line.dims, *("V" if line.kind == "word" else ""))}
    data_letters |= {"V"} & set(card.empirical)
    return {letter: min(size, 2) for letter, size in card.sizes.items() if letter not in data_letters}


# of networks, so that compiling them takes little
NETWORK_SIZES = {
    "M": 4,
    "width": 4,
    "depth": 1,
    "widths": "3-2",
    "layout": "1x1,2x1,4x1",
    "bottleneck": 2,
    "channels": 1,
}


def network_sizes(name: str) -> dict[str, Any]:
    """Small values of the settings of a model that give the sizes of its networks."""
    return {keyword: size for keyword, size in NETWORK_SIZES.items() if keyword in zoo.load(name, "pyro").keywords}


def invariant_params(name: str, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters with W W' in the place of W, and W A W^+ in that of A, where the model has a rotation symmetry."""
    if "rotation" not in zoo.card(name).symmetries.values() or "W" not in params:
        return params
    W = params["W"]
    dynamics = {"A": W @ params["A"] @ np.linalg.pinv(W)} if "A" in params else {}
    return {**params, **dynamics, "W": W @ np.swapaxes(W, -1, -2)}


def load_or_skip(name: str) -> pd.DataFrame:
    """A data set; skips the test where its file is neither in the cache folder nor can be fetched."""
    try:
        return datasets.observed(name)
    except zoo.ZooError as error:
        pytest.skip(str(error))


def skip_without_data(text: str) -> None:
    """Skip the test unless every data set that a text loads is available."""
    for name in re.findall(r'datasets\.(?:load|observed)\("(\w+)"\)', text):
        load_or_skip(name)
