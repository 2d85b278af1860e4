"""The reported quantities of a model as one flat row of numbers, each with its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo import Card

MANY, MOST = 100, 10  # entries of a simplex; where there are more of them, so many are held to account


def symmetric(card: Card, settings: Mapping[str, Any]) -> set[str]:
    """Names of the reported quantities that are symmetric matrices in their last two dimensions."""
    sites = {**card.sites(settings), **card.parameters(settings)}
    sources = {name: name for name in card.parameters(settings)}
    sources |= {name: derived.sources[0] for name, derived in card.derived.items() if derived.line is None}
    return {name for name, source in sources.items() if sites[source].kind == "precision"}


def scalars(card: Card, settings: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """Names such as ``Sigma[0,1,0]`` and their values, (..., quantities), for parameters with any leading dimensions.

    A symmetric matrix counts its lower triangle, and a simplex of one (always 1) is no quantity. Of a model whose
    networks are all it learns there are none, (1, 1, 0).
    """
    sites, matrices = card.reported(settings), symmetric(card, settings)
    reported = card.report({n: values[n] for n in card.parameters(settings)}, settings)
    names: list[str] = []
    columns = []
    for name, site in sites.items():
        value = reported[name]
        leading = value.ndim - len(site.dims)
        shape = value.shape[leading:]
        if site.kind == "simplex" and shape[-1] == 1:
            continue
        kept = [i for i in np.ndindex(*shape) if not (name in matrices and i[-1] > i[-2])]
        names += [f"{name}[{','.join(map(str, i))}]" if i else name for i in kept]
        flat = value.reshape(*value.shape[:leading], -1)
        columns.append(flat[..., np.ravel_multi_index(tuple(np.array(kept).T), shape)] if shape else flat)
    return names, np.concatenate(columns, axis=-1) if columns else np.zeros((1, 1, 0))


def prominent(card: Card, settings: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which of the ``scalars`` are looked at one by one, (quantities,): of a simplex of over 100 the ten largest.

    The thousands of others, as words that a topic does not use, are all but zero. Which are the largest is said by the
    mean over the leading dimensions (chain, draw).
    """
    names, numbers = scalars(card, settings, values)
    mean, rows = numbers.mean((0, 1)), {}
    wide = {name for name, site in card.reported(settings).items() if site.kind == "simplex"}
    for j, name in enumerate(names):
        of, _, index = name.partition("[")
        if of in wide:
            rows.setdefault((of, index.rpartition(",")[0]), []).append(j)
    kept = np.ones(len(names), bool)
    for row in map(np.array, rows.values()):
        if len(row) > MANY:
            kept[row[np.argsort(-mean[row], kind="stable")[MOST:]]] = False
    return kept
