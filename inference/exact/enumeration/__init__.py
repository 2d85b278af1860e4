"""Exact sums over the discrete latents of any program that can list their values.

``log_marginal`` (log p of each row), ``responsibilities`` (p of each label), ``most_probable`` and
``sampled`` labels, all exact, for a model at given parameters; by its program ``collapsed``, without the continuous
latents of each row, where it has one. Engines use the backends' own ``marginalize(program)``, an ordinary program in
which the discrete sites are marginalize out.

Each ``in_<backend>.py`` promises

    marginalize(program)                        the program less its discrete sites, plus one factor
    EnumeratedDensity(program, keywords, data)           the enumerated factors as a function of the parameters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from zoo import Model
from zoo._backend import backend_of, in_backend
from zoo.data.intensities import take_rows

ROWS = 50_000  # at a time


def log_marginal(model: Model, params: Mapping[str, np.ndarray], data: Any) -> np.ndarray:
    """log p(x_n | params) in nats, discrete latents marginalize out.

    ``params`` hold one value per site, or draws with two leading dimensions (chain, draw); returns (N,) or
    (chain, draw, N). Raises ZooError where rows are not independent given ``params``.
    """
    return _over_draws(model, params, data, "log_marginal")


def responsibilities(model: Model, params: Mapping[str, np.ndarray], data: Any) -> dict[str, np.ndarray]:
    """p(z_n = k | x, params) for each discrete latent: ``{"z": (N, K)}``, after the leading dimensions of draws."""
    return _over_draws(model, params, data, "responsibilities")


def most_probable(model: Model, params: Mapping[str, np.ndarray], data: Any) -> dict[str, np.ndarray]:
    """The labels that maximise p(z | x, params) site by site: ``{"z": (N,)}`` of integers."""
    return {name: p.argmax(-1) for name, p in responsibilities(model, params, data).items()}


def sampled(model: Model, params: Mapping[str, np.ndarray], data: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """One exact draw of the labels from p(z | x, params), jointly over the sites of a row: ``{"z": (N,)}``."""
    return _over_draws(model, params, data, "sampled", seed)


def _over_draws(model: Model, params: Mapping[str, np.ndarray], data: Any, question: str, *rest: Any) -> Any:
    backend, enumeration = backend_of(model), in_backend("inference.exact.enumeration", model.backend)
    table, keywords = model.bind(data)
    sites = model.card.parameters(keywords)
    values = {n: np.asarray(params[n]) for n in sites}
    leading = max((v.ndim - len(sites[n].dims) for n, v in values.items()), default=0)
    lead = next((v.shape[:leading] for v in values.values()), ())
    draws = int(np.prod(lead))  # -1 would not do: an array without a column, at Z = 0, has no elements
    flat = {n: v.reshape((draws, *v.shape[leading:])) for n, v in values.items()}
    answers = []  # each with one leading dimension, of draws
    with backend.runtime("float64"):
        for block in _blocks(model, table, keywords):
            opened = enumeration.EnumeratedDensity(
                model.collapsed or model.program,
                backend.to_backend({**keywords, **block.sizes}),
                backend.to_backend(block.table),
            )
            found = getattr(opened, question)(backend.to_backend(flat), *rest)
            answers.append(backend.to_numpy(found if isinstance(found, dict) else {"": found}))
    whole = answers[0] if len(answers) == 1 else {n: np.concatenate([a[n] for a in answers], 1) for n in answers[0]}
    whole = {n: a.reshape((*lead, *a.shape[1:])) for n, a in whole.items()}
    return whole.get("", whole)


class _Block(NamedTuple):
    table: dict[str, np.ndarray]
    sizes: dict[str, int]


def _blocks(model: Model, table: Mapping[str, np.ndarray], keywords: Mapping[str, Any]) -> Iterator[_Block]:
    """The data in blocks of rows, so that memory does not grow with them: rows are independent given the parameters."""
    sites = model.card.sites(keywords)
    tied = [n for n in model.card.enumerated if "N" not in sites[n].dims]
    N = keywords.get("N")
    if tied or not N:
        yield _Block(dict(table), {})
        return
    for i in range(0, N, ROWS):
        rows = slice(i, i + ROWS)
        local = take_rows({n: v for n, v in table.items() if "N" in sites[n].dims}, rows)
        yield _Block({**table, **local}, {"N": min(ROWS, N - i)})
