"""The data sets that models are shown on: tables, images, and corpora.

``names()`` lists them, ``about(name)`` describes one, ``load(name)`` gives it as published, and ``observed(name)`` in
the form that a model takes: columns of a table, images in the form of the name, or a Corpus. ``labels(name)`` are the
classes of its rows, ``factors(name)`` what made them, and ``titles(name)`` the titles of its documents. Old Faithful is
part of the package, scikit-learn provides four, ``sprites`` are computed, and the others are fetched once, checked by
sha256 and stored in the folder ``$ZOO_DATA`` (by default the user's cache).

``sprites`` has settings: ``observed("sprites", side=64, rotation=8)``, and ``factors`` with the same ones. They are the
side of an image, 32 or 64, and the number of values of each factor: shape (3), scale (4), rotation (1), x (16), y (16).
Images and factors are in the same order, the last factor changing fastest.

Images come in two parts, "train" (the default) and "test": those of MNIST are its authors', and of scikit-learn's
digits 1500 and 297 in a fixed random order. ``digits`` itself is a table, whole unless a part is named.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from zoo.cards import Card
from zoo.data.corpus import Corpus
from zoo.data.datasets.catalogue import CATALOGUE, Dataset, Source
from zoo.data.datasets.documents import CorpusFiles
from zoo.data.datasets.images import PARTS, Digits, Mnist
from zoo.data.datasets.row_factors import Factors, label_factor
from zoo.data.datasets.sources import SklearnTable
from zoo.data.datasets.sprites import Sprites
from zoo.data.intensities import Intensities
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

__all__ = ["Dataset", "Factors", "about", "factors", "labels", "load", "names", "observed", "shown_on", "titles"]


def names() -> list[str]:
    """Names of all data sets, in alphabetical order.

    Examples
    --------
    >>> names()[:3]
    ['adult', 'ap', 'bfi']
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


def load(name: str, part: str | None = None, **settings: int) -> DataLike:
    """Load a data set as published.

    Parameters
    ----------
    name : str
        One of ``names()``.
    part : str, optional
        "train" (the default of images of digits) or "test", for images of digits and for ``digits``.
    **settings : int
        Of ``sprites``: ``side``, and the number of values of ``shape``, ``scale``, ``rotation``, ``x`` and ``y``.

    Returns
    -------
    DataFrame, ndarray or Corpus
        The whole table, with words and missing values; images as grey bytes (N, D); or a corpus.

    Raises
    ------
    ZooError
        For an unknown name, part or setting, and where the file is not in the cache folder and cannot be fetched: the
        message names the file and where to put it.
    """
    dataset, part = about(name), _part(name, part)
    source = _with_settings(name, settings)
    if isinstance(source, Sprites):
        return source.grey()
    if isinstance(source, Mnist) or (isinstance(source, Digits) and dataset.form):
        return source.grey(part)
    table = source.table()
    if isinstance(table, Corpus):
        return table
    table = dataset.view(table) if dataset.view else table
    return table.iloc[source.rows(part)] if isinstance(source, Digits) and part else table


def observed(name: str, part: str | None = None, **settings: int) -> DataLike:
    """Load a data set in the form that a model takes.

    Parameters
    ----------
    name, part, **settings
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
    dataset, source = about(name), _with_settings(name, settings)
    if dataset.form and isinstance(source, Digits | Mnist):
        return dataset.form(source, _part(name, part))
    table = load(name, part, **settings)
    if isinstance(source, Sprites):
        return dataset.form(source, "") if dataset.form else Intensities(table, source.levels)
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
        As in ``load``.

    Returns
    -------
    ndarray of int
        From 0 up, (N,); of a column of words, in alphabetical order.

    Raises
    ------
    ZooError
        Where the data set has no labels.
    """
    part, dataset = _part(name, part), about(name)
    source = dataset.source
    if dataset.label:
        return np.unique(load(name)[dataset.label], return_inverse=True)[1]
    if not isinstance(source, SklearnTable | Mnist):
        raise ZooError(f"{name} has no labels; these have: {', '.join(n for n in names() if _has_labels(n))}")
    return source.labels(part) if part and isinstance(source, Digits | Mnist) else source.labels()


def factors(name: str, part: str | None = None, **settings: int) -> Factors:
    """What made each row of ``observed(name, part, **settings)``: the factors of ``sprites``, or the label.

    Parameters
    ----------
    name, part, **settings
        As in ``load``.

    Returns
    -------
    Factors
        ``names``, ``index`` (N, K) from 0 up, and ``values`` (N, K) in the units of each factor: for ``sprites`` the
        number of the shape, the scale, the rotation in radians, and the position in pixels from the upper left corner.

    Raises
    ------
    ZooError
        Where the data set has neither factors nor labels, and as ``load``.

    Examples
    --------
    >>> factors("sprites")
    Factors(3072 rows; shape: 3, scale: 4, x: 16, y: 16)
    >>> factors("sprites", shape=2, scale=1, rotation=5).values[-1].round(3).tolist()
    [1.0, 1.257, 24.96, 24.96]
    """
    source = _with_settings(name, settings)
    if isinstance(source, Sprites):
        _part(name, part)
        return source.factors()
    if not _has_labels(name):
        alternatives = [n for n in names() if _has_labels(n) or isinstance(about(n).source, Sprites)]
        raise ZooError(f"{name} has no factors; these have: {', '.join(alternatives)}")
    return label_factor(labels(name, part))


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


def _has_labels(name: str) -> bool:
    return bool(about(name).label) or isinstance(about(name).source, SklearnTable | Mnist)


def _with_settings(name: str, settings: dict[str, int]) -> Source:
    """The source of a data set with these settings; raises ZooError for one that it does not have."""
    source = about(name).source
    if not settings:
        return source
    if not isinstance(source, Sprites):
        raise ZooError(f"{name} has no settings: leave {', '.join(settings)} out; only sprites has settings")
    known = [field.name for field in fields(source) if field.init]
    for setting in settings:
        if setting not in known:
            raise unknown("setting of sprites", setting, known)
    return replace(source, **settings)
