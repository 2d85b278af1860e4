"""The data sets that models are shown on: tables, images of digits, and corpora.

``names()`` lists them, ``about(name)`` describes one, ``load(name)`` gives it as published, and ``observed(name)`` in
the form that a model takes: columns of a table, images in the form of the name, or a Corpus. ``labels(name)`` are the
classes of its rows, and ``titles(name)`` the titles of its documents. Old Faithful is part of the package, scikit-learn
provides four, and the others are fetched once, checked by sha256 and stored in the folder ``$ZOO_DATA`` (by default the
user's cache).

Images come in two parts, "train" (the default) and "test": those of MNIST are its authors', and of scikit-learn's
digits 1500 and 297 in a fixed random order. ``digits`` itself is a table, whole unless a part is named.
"""

from __future__ import annotations

import numpy as np

from zoo.cards import Card
from zoo.data.corpus import Corpus
from zoo.data.datasets.catalogue import CATALOGUE, Dataset
from zoo.data.datasets.documents import CorpusFiles
from zoo.data.datasets.images import PARTS, Digits, Mnist
from zoo.data.datasets.sources import SklearnTable
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

__all__ = ["Dataset", "about", "labels", "load", "names", "observed", "shown_on", "titles"]


def names() -> list[str]:
    """Names of all data sets, in alphabetical order.

    Examples
    --------
    >>> names()[:3]
    ['ap', 'bfi', 'bfi_agree']
    """
    return sorted(CATALOGUE)


def about(name: str) -> Dataset:
    """Title, citation, source and columns of a data set; reads no file.

    Parameters
    ----------
    name : str
        One of ``names()``.

    Returns
    -------
    Dataset

    Raises
    ------
    ZooError
        For an unknown name.
    """
    if name not in CATALOGUE:
        raise unknown("data set", name, names())
    return CATALOGUE[name]


def load(name: str, part: str | None = None) -> DataLike:
    """Load a data set as published.

    Parameters
    ----------
    name : str
        One of ``names()``.
    part : str, optional
        "train" (the default of images) or "test", for images and for ``digits``.

    Returns
    -------
    DataFrame, ndarray or Corpus
        The whole table, with words and missing values; images as grey bytes (N, D); or a corpus.

    Raises
    ------
    ZooError
        For an unknown name or part, and where the file is not in the cache folder and cannot be fetched: the message
        names the file and where to put it.
    """
    dataset, part = about(name), _part(name, part)
    source = dataset.source
    if isinstance(source, Mnist) or (isinstance(source, Digits) and dataset.form):
        return source.grey(part)
    table = source.table()
    if isinstance(table, Corpus):
        return table
    table = dataset.view(table) if dataset.view else table
    return table.iloc[source.rows(part)] if isinstance(source, Digits) and part else table


def observed(name: str, part: str | None = None) -> DataLike:
    """Load a data set in the form that a model takes.

    Parameters
    ----------
    name, part
        As in ``load``.

    Returns
    -------
    DataFrame, ndarray, Intensities, dict or Corpus
        Columns (N, D) of a table in its units, images in the form of the name, or a corpus.

    Raises
    ------
    ZooError
        As ``load``.
    """
    dataset = about(name)
    if dataset.form and isinstance(dataset.source, Digits | Mnist):
        return dataset.form(dataset.source, _part(name, part))
    table = load(name, part)
    if isinstance(dataset.source, CorpusFiles):
        return table
    return table[list(dataset.columns or table.columns)]


def labels(name: str, part: str | None = None) -> np.ndarray:
    """The class of each row of ``observed(name, part)``.

    Parameters
    ----------
    name : str
        One of ``names()``.
    part : str, optional
        "train" (the default of images) or "test", for images and for ``digits``.

    Returns
    -------
    ndarray of int
        From 0 up, (N,).

    Raises
    ------
    ZooError
        Where the data set has no labels.
    """
    part, source = _part(name, part), about(name).source
    if not isinstance(source, SklearnTable | Mnist):
        alternatives = ", ".join(n for n in names() if isinstance(about(n).source, SklearnTable | Mnist))
        raise ZooError(f"{name} has no labels; these have: {alternatives}")
    return source.labels(part) if part and isinstance(source, Digits | Mnist) else source.labels()


def titles(name: str) -> list[str]:
    """The title of each document of ``observed(name)``.

    Parameters
    ----------
    name : str
        One of ``names()``.

    Returns
    -------
    list of str
        N titles.

    Raises
    ------
    ZooError
        Where the data set has no titles.
    """
    source = about(name).source
    if isinstance(source, CorpusFiles) and source.title_file:
        return source.titles()
    alternatives = ", ".join(n for n in names() if getattr(about(n).source, "title_file", None))
    raise ZooError(f"{name} has no titles; these have: {alternatives}")


def shown_on(card: Card) -> DataLike:
    """The data set that a model is shown on, in the form that the model takes.

    Parameters
    ----------
    card : Card
        The card of the model, which names the data set.

    Returns
    -------
    DataFrame, ndarray, Intensities, dict or Corpus
        As ``observed``.

    Raises
    ------
    ZooError
        Where the card names no data set.
    """
    if not card.shown_on:
        raise ZooError(f"{card.name} names no data set of its own: give the data")
    return observed(card.shown_on)


def _part(name: str, part: str | None) -> str:
    """The name of the part, "" for the whole."""
    dataset = about(name)
    if part is None:
        return PARTS[0] if dataset.form else ""
    if not isinstance(dataset.source, Digits | Mnist):
        alternatives = ", ".join(n for n in names() if isinstance(about(n).source, Digits | Mnist))
        raise ZooError(f"{name} comes whole: leave part out; in parts come {alternatives}")
    if part not in PARTS:
        raise unknown("part", part, PARTS)
    return part
