"""The reported quantities of a model as one vector of named scalars."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from zoo import Card
from zoo.types import Keywords

MAX_ENTRIES = 300  # of a site of a user's program in a table: latents of many rows and weights of networks have more
WIDE_SIMPLEX, ENTRIES_COMPARED = 100, 10  # of a simplex with more entries, only the largest are compared


def symmetric_matrices(card: Card, settings: Keywords) -> set[str]:
    """Names of the reported quantities that are symmetric matrices in their last two dimensions."""
    sites = {**card.sites(settings), **card.parameters(settings), **card.deterministic}
    sources = {name: name for name in card.parameters(settings)}
    sources |= {name: derived.sources[0] for name, derived in card.derived.items() if derived.line is None}
    return {name for name, source in sources.items() if source in sites and sites[source].kind == "precision"}


def large_sites(
    card: Card, settings: Keywords, values: Mapping[str, np.ndarray], max_entries: int | None = MAX_ENTRIES
) -> dict[str, int]:
    """The sites of a user's program that tables leave out, with their numbers of entries; none of a model of the zoo.

    Parameters
    ----------
    card : Card
    settings : mapping
        The keywords of the program.
    values : mapping of str to array
        Values with any leading dimensions.
    max_entries : int, optional
        Entries of a site, at most, that are in a table; None for any number.

    Returns
    -------
    dict of str to int
    """
    if not card.is_own or max_entries is None:
        return {}
    sites = {n: site for n, site in card.reported(settings).items() if n in values}
    entries = {n: math.prod(np.shape(values[n])[np.ndim(values[n]) - len(s.dims) :]) for n, s in sites.items()}
    return {n: count for n, count in entries.items() if count > max_entries}


def scalar_quantities(
    card: Card, settings: Keywords, values: Mapping[str, np.ndarray], max_entries: int | None = MAX_ENTRIES
) -> tuple[list[str], np.ndarray]:
    """Names such as ``Sigma[0,1,0]`` and their values, (..., quantities), for parameters with any leading dimensions.

    A symmetric matrix has its lower triangle, and a simplex of one entry (always 1) is omitted. A model whose
    parameters are all network weights has none, (1, 1, 0). Of a user's program ``large_sites`` are omitted, and sites
    without values, as latents that an encoder describes.
    """
    large = large_sites(card, settings, values, max_entries)
    sites, matrices = card.reported(settings), symmetric_matrices(card, settings)
    reported = card.report(
        {n: values[n] for n in {**card.parameters(settings), **card.deterministic} if n in values}, settings
    )
    names: list[str] = []
    columns = []
    for name, site in sites.items():
        if name in large or (name not in reported and (card.is_own or name in card.deterministic)):
            continue
        value = reported[name]
        leading = value.ndim - len(site.dims)
        shape = value.shape[leading:]
        if site.kind == "simplex" and shape[-1] == 1:
            continue
        entries = [i for i in np.ndindex(*shape) if not (name in matrices and i[-1] > i[-2])]
        names += [entry_name(name, i) for i in entries]
        flat = value.reshape(*value.shape[:leading], -1)
        columns.append(flat[..., np.ravel_multi_index(tuple(np.array(entries).T), shape)] if shape else flat)
    return names, np.concatenate(columns, axis=-1) if columns else np.zeros((1, 1, 0))


def entry_name(name: str, index: tuple[int | str, ...]) -> str:
    """The name of one entry of an array.

    >>> entry_name("mu", (1, 0)), entry_name("sigma2", ())
    ('mu[1,0]', 'sigma2')
    """
    return f"{name}[{','.join(map(str, index))}]" if index else name


def compared_quantities(card: Card, settings: Keywords, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which of the ``scalar_quantities`` are compared, (quantities,): of a simplex over 100 entries the ten largest.

    The other entries, such as words that a topic does not use, are nearly zero. The largest are those of the mean over
    the leading dimensions (chain, draw).
    """
    names, numbers = scalar_quantities(card, settings, values)
    mean = numbers.mean((0, 1))
    rows: dict[tuple[str, str], list[int]] = {}
    simplexes = {name for name, site in card.reported(settings).items() if site.kind == "simplex"}
    for j, name in enumerate(names):
        site, _, index = name.partition("[")
        if site in simplexes:
            rows.setdefault((site, index.rpartition(",")[0]), []).append(j)
    compared = np.ones(len(names), bool)
    for row in map(np.array, rows.values()):
        if len(row) > WIDE_SIMPLEX:
            compared[row[np.argsort(-mean[row], kind="stable")[ENTRIES_COMPARED:]]] = False
    return compared
