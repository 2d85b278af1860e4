"""Which rows and columns of a table have values at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.cards import Card
from zoo.data.blocks import blocks
from zoo.data.corpus import Corpus
from zoo.data.intensities import Intensities
from zoo.errors import ColumnError
from zoo.types import DataLike, Keywords


def observed_rows(card: Card, table: Mapping[str, DataLike], keywords: Keywords) -> np.ndarray | None:
    """Whether each row has an observed value, (N,); None where no row can be without."""
    sites, names = card.sites(keywords), [n for n in card.observed if n in table]
    if not names or not all(n in (*card.missing, *card.ragged) and sites[n].dims[:1] == ("N",) for n in names):
        return None
    arrays = [table[n] for n in names]
    if any(isinstance(values, Corpus | Intensities) for values in arrays):
        return None
    has_value = [
        np.concatenate([~np.isnan(b).reshape(len(b), -1).all(1) for _, b in blocks(np.asanyarray(values))])
        for values in arrays
    ]
    return np.any(has_value, axis=0)


def check_columns(card: Card, table: Mapping[str, DataLike], keywords: Keywords, weights: np.ndarray | None) -> None:
    """Raise ColumnError where a column is missing in every row, so that its parameters mean nothing.

    Networks learn from other columns what such a column may be, and are not checked. weights: (N,), of the rows.
    """
    if card.is_own or card.networks:
        return
    sites = card.sites(keywords)
    for name in card.missing:
        values, dims = table.get(name), sites[name].dims
        if not isinstance(values, np.ndarray) or dims[:1] != ("N",) or dims[-1] in card.row_sizes:
            continue
        is_observed, row = np.zeros(values.shape[-1], dtype=bool), 0
        for _, block in blocks(values):
            counted = slice(None) if weights is None else weights[row : row + len(block)] > 0
            is_observed |= ~np.isnan(block[counted]).all(tuple(range(values.ndim - 1)))
            row += len(block)
            if is_observed.all():
                break
        if not is_observed.all():
            raise ColumnError(f"column {{}} of {name} is missing throughout: drop it", np.flatnonzero(~is_observed)[:1])
