"""The tables that models are shown on.

``names()`` lists them, ``about(name)`` says where one comes from, ``load(name)`` gives it as published, and
``observed(name)`` the columns of it that a model is given. Old Faithful lies here, scikit-learn brings four, and
the others are fetched once, checked by sha256 and kept in the folder ``$ZOO_DATA`` (else in the user's cache).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.datasets.catalogue import CATALOGUE, Dataset
from zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from zoo.cards import Card


def names() -> list[str]:
    """Names of all data sets.

    >>> names()[:3]
    ['bfi', 'bfi_agree', 'breast_cancer']
    """
    return sorted(CATALOGUE)


def about(name: str) -> Dataset:
    """Title, citation, source and columns of a data set; reads nothing. Raises ZooError for an unknown name."""
    if name not in CATALOGUE:
        raise unknown("data set", name, names())
    return CATALOGUE[name]


def load(name: str) -> pd.DataFrame:
    """The whole table, words and missing values included.

    Raises ZooError for an unknown name, and where the table is neither kept nor to be had: it then says which
    file to put where.
    """
    described = about(name)
    table = described.source.table()
    return described.view(table) if described.view else table


def observed(name: str) -> pd.DataFrame:
    """The columns that a model is given: ``(N, D)`` numbers, in the units of the table. Raises ZooError as ``load``."""
    table = load(name)
    return table[list(about(name).columns or table.columns)]


def shown_on(card: Card) -> pd.DataFrame:
    """The data set a card names, in the shape that its model observes. Raises ZooError where it names none."""
    if not card.shown_on:
        raise ZooError(f"{card.name} names no data set of its own: give the data")
    return observed(card.shown_on)
