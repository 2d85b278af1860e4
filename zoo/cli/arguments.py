"""Arguments of the command: ``name=value`` assignments, and data by file or by name."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo.cards import Card
from zoo.data.csv_files import NO_OPTIONS, CsvOptions
from zoo.data.row_ids import split_rows
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

PlainValue: TypeAlias = int | float | bool | str | list | None  # what an argument can spell

LITERALS = {"true": True, "false": False, "none": None}


def parse_value(text: str) -> PlainValue:
    """The number, truth value, list of numbers or None that a text spells; else the text.

    >>> parse_value("3"), parse_value("1e-4"), parse_value("True"), parse_value("none"), parse_value("diag")
    (3, 0.0001, True, None, 'diag')
    >>> parse_value("[[1, 0.5], [0, 1]]")
    [[1, 0.5], [0, 1]]
    """
    if text.lower() in LITERALS:
        return LITERALS[text.lower()]
    if text.startswith("["):
        with suppress(ValueError, SyntaxError):
            return ast.literal_eval(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_assignments(arguments: Iterable[str], flag: str) -> dict[str, PlainValue]:
    """Parse ``["K=3"]`` as ``{"K": 3}``; raises ZooError for an argument without ``=`` and for a name given twice.

    >>> parse_assignments(["K=3", "covariance=diag"], "--set")
    {'K': 3, 'covariance': 'diag'}
    """
    parsed: dict[str, PlainValue] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not (name and equals):
            raise ZooError(f"{flag} reads NAME=VALUE, as in {flag} K=3; given {argument!r}")
        if name in parsed:
            raise ZooError(f"{flag} {name} is given twice")
        parsed[name] = parse_value(text)
    return parsed


def parse_by_site(name: str, text: str) -> dict[str, PlainValue]:
    """The values by site that a text spells as Python and JSON write them; raises ZooError.

    >>> parse_by_site("gradient", '{"z1": "disarm", "z2": "rloo"}')
    {'z1': 'disarm', 'z2': 'rloo'}
    """
    try:
        values = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        values = None
    if not isinstance(values, dict):
        raise ZooError(f"""--option {name} by site reads '{name}={{"z": "disarm"}}', in quotes; given {text}""")
    return values


def engine_options(engines: Iterable[str], arguments: Iterable[str], card: Card) -> dict[str, dict[str, Any]]:
    """The options of each engine: ``svi.num_steps=500`` for one, ``learning_rate=0.1`` for each that has the option.

    An option by site is a dict, ``gradient={"z1": "disarm"}``. Raises ZooError for an unknown engine or option.
    """
    from inference.engines import get

    parsed: dict[str, dict[str, Any]] = {engine: {} for engine in engines if get(engine)}
    for key, text in parse_assignments(arguments, "--option").items():
        value = parse_by_site(key, text) if isinstance(text, str) and text.startswith("{") else text
        owner, dot, name = key.rpartition(".")
        if dot and owner not in parsed:
            raise unknown("engine", owner, parsed)
        owners = [e for e in parsed if name in get(e).default_options(card).names()] or list(parsed)
        for engine in [owner] if dot else owners:
            parsed[engine][name] = value
            get(engine).make_options(parsed[engine], card)
    return parsed


def load_data(
    card: Card,
    data: str | None,
    columns: str | None,
    vocab: str | None = None,
    csv: CsvOptions = NO_OPTIONS,
    id_column: str | None = None,
) -> DataLike:
    """Load a file, a data set of the zoo, or the data set that the card is shown on. Raises ZooError.

    Ids are a column of a table, which is left out, or the ids of the documents of a corpus.
    """
    table = read_data(card, data, columns, vocab, csv, id_column)
    if id_column and not card.of_words:
        table, _ = split_rows(table, id_column)
    return table if columns is None else choose_columns(table, columns)


def read_data(
    card: Card, data: str | None, columns: str | None, vocab: str | None, csv: CsvOptions, id_column: str | None
) -> DataLike:
    """Read the whole of a file or data set; raises ZooError for options that its kind does not have."""
    from zoo.data import corpus, datasets, files

    is_data_set = data is None or data in datasets.names()
    if csv != NO_OPTIONS and (card.of_words or is_data_set):
        raise ZooError("--sep, --decimal, --encoding, --no-header and --na are for tables: give --data FILE.csv")
    if id_column and is_data_set:
        raise ZooError("--id names the ids of rows of a file: give --data FILE")
    if vocab and not card.of_words:
        raise ZooError(f"--vocab names the words of a corpus, and {card.name} does not observe one: leave it out")
    if columns and card.of_words:
        raise ZooError(f"--columns chooses from a table, and {card.name} takes a corpus whole: leave it out")
    if data is None or is_data_set:
        table: DataLike = datasets.observed(data) if data else datasets.shown_on(card)
        table = corpus.as_corpus(table, corpus.read_vocabulary(vocab)) if vocab else table
    elif not Path(data).suffix and not Path(data).exists():
        raise unknown("data set or file", data, datasets.names())
    else:
        table = corpus.read(data, vocab, id_column) if card.of_words else files.read(data, csv)
    for flag, value in (("--columns", columns), ("--id", None if card.of_words else id_column)):
        if value and not hasattr(table, "columns"):
            source = data or card.shown_on
            raise ZooError(f"{flag} chooses from a table with names (.csv, .tsv, .parquet), and {source} has none")
    return table


def choose_columns(table: pd.DataFrame, columns: str) -> pd.DataFrame:
    """The columns ``a,b`` of a table; raises ZooError for an unknown one."""
    selection = [c.strip() for c in columns.split(",")]
    by_name = dict(zip(map(str, table.columns), table.columns, strict=True))  # without a header they are numbers
    for column in selection:
        if column not in by_name:
            raise unknown("column", column, by_name)
    return table[[by_name[column] for column in selection]]


def row_titles(card: Card, data: str | None) -> list[str] | None:
    """The titles of the rows of a data set, or of the one the card is shown on; None where they have none."""
    from zoo.data import datasets

    name = data or card.shown_on
    has_titles = name in datasets.names() and getattr(datasets.about(name).source, "title_file", None)
    return datasets.titles(name) if has_titles else None


def check_writable(path: Path) -> None:
    """Raise ZooError before any work where a file could not be written at the end."""
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ZooError(f"{str(path)!r} cannot be written: {str(parent)!r} is not a folder open to writing")
    if path.is_dir():
        raise ZooError(f"{str(path)!r} is a folder: name a file in it")
