"""What the command is given, read: ``name=value`` words, and data by file or by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.cards import Card
from zoo.errors import ZooError, unknown

WORDS = {"true": True, "false": False, "none": None}


def value(text: str) -> Any:
    """A number, a truth value or None where the text is one; else the text.

    >>> value("3"), value("1e-4"), value("True"), value("none"), value("diag")
    (3, 0.0001, True, None, 'diag')
    """
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def assignments(given: Iterable[str], flag: str) -> dict[str, Any]:
    """``["K=3"]`` as ``{"K": 3}``; raises ZooError for a word without ``=`` or given twice.

    >>> assignments(["K=3", "covariance=diag"], "--set")
    {'K': 3, 'covariance': 'diag'}
    """
    found: dict[str, Any] = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise ZooError(f"{flag} reads NAME=VALUE, as in {flag} K=3; given {word!r}")
        if name in found:
            raise ZooError(f"{flag} {name} is given twice")
        found[name] = value(text)
    return found


def options_of(engines: Iterable[str], given: Iterable[str], card: Card) -> dict[str, dict[str, Any]]:
    """The options of each engine: ``svi.num_steps=500`` for one, ``learning_rate=0.1`` for each that knows the name.

    Raises ZooError for an engine or an option that nobody knows.
    """
    from inference.engines import get

    found: dict[str, dict[str, Any]] = {engine: {} for engine in engines if get(engine)}
    for word, setting in assignments(given, "--option").items():
        owner, dot, name = word.rpartition(".")
        if dot and owner not in found:
            raise unknown("engine", owner, found)
        supported_engines = (
            [owner] if dot else [e for e in found if name in get(e).default_options(card).names()] or list(found)
        )
        for engine in supported_engines:
            found[engine][name] = setting
            get(engine).make_options(found[engine], card)
    return found


def data_for(card: Card, data: str | None, columns: str | None, vocab: str | None = None) -> Any:
    """The data named: a file, a data set of the zoo, or what the card is shown on. Raises ZooError."""
    from zoo.data import corpus, datasets, files

    if vocab and not card.of_words:
        raise ZooError(f"--vocab names the words of a corpus, and {card.name} does not observe one: leave it out")
    if columns and card.of_words:
        raise ZooError(f"--columns chooses from a table, and {card.name} takes a corpus whole: leave it out")
    if data is None or data in datasets.names():
        table: Any = datasets.observed(data) if data else datasets.shown_on(card)
        table = corpus.as_corpus(table, corpus.read_vocabulary(vocab)) if vocab else table
    elif not Path(data).suffix and not Path(data).exists():
        raise unknown("data set or file", data, datasets.names())
    else:
        table = corpus.read(data, vocab) if card.of_words else files.read(data)
    if columns is None:
        return table
    if not hasattr(table, "columns"):
        given = data or card.shown_on
        raise ZooError(f"--columns chooses from a table with names (.csv, .parquet), and {given} has none")
    chosen = [c.strip() for c in columns.split(",")]
    for column in chosen:
        if column not in table.columns:
            raise unknown("column", column, map(str, table.columns))
    return table[chosen]


def titles_for(card: Card, data: str | None) -> list[str] | None:
    """What the rows of the data set named, or that the card is shown on, are called; None where they have no titles."""
    from zoo.data import datasets

    name = data or card.shown_on
    titled = name in datasets.names() and getattr(datasets.about(name).source, "headings", None)
    return datasets.titles(name) if titled else None


def check_writable(path: Path) -> None:
    """Raise ZooError now where a file could not be written once the work is done."""
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ZooError(f"{str(path)!r} cannot be written: {str(parent)!r} is not a folder open to writing")
    if path.is_dir():
        raise ZooError(f"{str(path)!r} is a folder: name a file in it")
