"""Fits of users' programs with draws from the prior, for tests that need a fit and no engine."""

from __future__ import annotations

import numpy as np

import zoo
from inference.result import Fit
from tests.user_programs import BY_NAME
from tests.user_programs.program import Backend
from zoo.types import DataLike


def fit_of(model: zoo.Model, draws: dict[str, np.ndarray], data: DataLike = None) -> Fit:
    """A fit with given draws, as any engine would return it."""
    table, keywords = model.bind(data)
    return Fit(
        model=model,
        engine="nuts",
        keywords=keywords,
        options={},
        seed=0,
        device="cpu",
        dtype=None,
        data=table,
        seconds=0.0,
        params={n: v.mean((0, 1)) for n, v in draws.items()},
        trace=np.zeros(0),
        draws=draws,
    )


def fit_with_draws(name: str, backend: Backend, arguments=None, shape=(2, 3)) -> Fit:
    """A program of the table with draws from its prior, read with its own arguments or with others."""
    program = BY_NAME[name]
    args, kwargs = arguments or program.arguments()
    model = zoo.read(zoo.Model(program.load(backend), backend=backend), *args, **kwargs)
    latents = [n for n in model.card.latents if n not in model.card.enumerated]
    values = [model.simulate(seed) for seed in range(3)]
    count = np.prod(shape)
    draws = {n: np.stack([values[i % 3][n] for i in range(count)]) for n in latents}
    return fit_of(model, {n: v.reshape(*shape, *v.shape[1:]) for n, v in draws.items()})
