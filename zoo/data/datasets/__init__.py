"""The data that models are shown on: tables, images of digits, and corpora.

``names()`` lists them, ``about(name)`` says where one comes from, ``load(name)`` gives it as published, and
``observed(name)`` what a model is given: columns of a table, images in the form that the name says, or a Corpus.
``labels(name)`` are the classes of its rows, and ``titles(name)`` what they are called, where somebody knows. Old
Faithful lies here, scikit-learn brings four, and the others are fetched once, checked by sha256 and kept in the folder
``$ZOO_DATA`` (else the user's cache).

Images come in two parts, "train" unless named and "test": MNIST's are its authors', and of scikit-learn's digits 1500
and 297 in a fixed random order. ``digits`` itself is a table, whole unless a part of it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.datasets.catalogue import CATALOGUE, Dataset
from zoo.data.datasets.documents import Documents
from zoo.data.datasets.images import PARTS, Digits, Mnist
from zoo.data.datasets.sources import Bundled
from zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    from zoo.cards import Card


def names() -> list[str]:
    """Names of all data sets.

    >>> names()[:3]
    ['ap', 'bfi', 'bfi_agree']
    """
    return sorted(CATALOGUE)


def about(name: str) -> Dataset:
    """Title, citation, source and columns of a data set; reads nothing. Raises ZooError for an unknown name."""
    if name not in CATALOGUE:
        raise unknown("data set", name, names())
    return CATALOGUE[name]


def load(name: str, part: str | None = None) -> Any:
    """The whole table as a DataFrame, words and missing values included; images as grey bytes (N, D); or a Corpus.

    Raises ZooError for an unknown name or part, and where the data is neither kept nor to be had: it then says which
    file to put where.
    """
    described, part = about(name), _part(name, part)
    source: Any = described.source
    if described.form:
        return source.grey(part)
    table = source.table()
    table = described.view(table) if described.view else table
    return table.iloc[source.rows(part)] if part else table


def observed(name: str, part: str | None = None) -> Any:
    """What a model is given: columns (N, D) of a table in its units, images in the form the name says, or a Corpus.

    Raises ZooError as ``load``.
    """
    described = about(name)
    if described.form:
        return described.form(described.source, _part(name, part))
    table = load(name, part)
    if isinstance(described.source, Documents):
        return table
    return table[list(described.columns or table.columns)]


def labels(name: str, part: str | None = None) -> np.ndarray:
    """The class of each row of ``observed(name, part)``, from 0 up: (N,). Raises ZooError where nobody knows them."""
    part = _part(name, part)
    if not isinstance(about(name).source, Bundled | Mnist):
        having = ", ".join(n for n in names() if isinstance(about(n).source, Bundled | Mnist))
        raise ZooError(f"{name} has no labels; these have: {having}")
    source: Any = about(name).source
    return source.labels(part) if part else source.labels()


def titles(name: str) -> list[str]:
    """What each row of ``observed(name)`` is called, N of them. Raises ZooError where they have no titles."""
    source = about(name).source
    if isinstance(source, Documents) and source.headings:
        return source.titles()
    having = ", ".join(n for n in names() if getattr(about(n).source, "headings", None))
    raise ZooError(f"{name} has no titles; these have: {having}")


def shown_on(card: Card) -> Any:
    """The data set a card names, in the shape that its model observes. Raises ZooError where it names none."""
    if not card.shown_on:
        raise ZooError(f"{card.name} names no data set of its own: give the data")
    return observed(card.shown_on)


def _part(name: str, part: str | None) -> str:
    """The part that is meant, "" for the whole."""
    described = about(name)
    if part is None:
        return PARTS[0] if described.form else ""
    if not isinstance(described.source, Digits | Mnist):
        having = ", ".join(n for n in names() if isinstance(about(n).source, Digits | Mnist))
        raise ZooError(f"{name} comes whole: leave part out; in parts come {having}")
    if part not in PARTS:
        raise unknown("part", part, PARTS)
    return part
