"""Ids of documents: titles, keys or names of files, from a column, an index, or a text file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from zoo.data.column_names import is_index_name
from zoo.data.corpus.vocabulary import read_lines
from zoo.errors import ZooError, unknown
from zoo.types import DataLike

IdsLike: TypeAlias = str | Iterable[object]  # a column of a table, or an id for each document


def check_ids(ids: Iterable[object], N: int) -> tuple[str, ...]:
    """The ids of N documents as text; a path stands for the name of its file without the ending. Raises ZooError.

    >>> check_ids([Path("news/rain.txt"), 7], 2)
    ('rain', '7')
    """
    names = tuple(value.stem if isinstance(value, Path) else str(value) for value in ids)
    if len(names) != N:
        raise ZooError(f"{len(names)} ids for {N} documents: give one for each")
    return names


def split_ids(data: DataLike, ids: IdsLike | None) -> tuple[DataLike, Iterable[object] | None]:
    """Documents without their column of ids, and the ids.

    They are those given, a column named by ``ids``, else the index of a table or series of pandas where it is no
    numbering, or the column of an index in a file. Raises ZooError for an unknown column.
    """
    if hasattr(data, "columns") and not callable(data.columns):
        if isinstance(ids, str):
            return split_column(data, ids)
        index = [column for column in data.columns if isinstance(column, str) and is_index_name(column)]
        if ids is None and index and hasattr(data, "drop"):
            return split_column(data, index[0])
    elif isinstance(ids, str):
        raise ZooError(f"ids={ids!r} names a column of a table of counts, which is not given: give one id a document")
    return data, index_labels(data) if ids is None else ids


def split_column(table: Any, name: str) -> tuple[Any, list[object]]:
    """A table of pandas or polars without a column, and the column. Raises ZooError for an unknown one."""
    names = {str(column): column for column in table.columns}
    if name not in names:
        raise unknown("column", name, names)
    column = table[names[name]]
    rest = table.drop(columns=names[name]) if hasattr(table, "iloc") else table.drop(names[name])
    return rest, column.to_list()


def index_labels(data: Any) -> list[object] | None:
    """The labels of the index of a table or series of pandas; None where they are 0, 1, 2, ..., as by default."""
    index: Any = getattr(data, "index", None)
    labels = index.to_list() if hasattr(index, "to_list") else []
    return None if labels == list(range(len(labels))) else labels


def read_ids(ids: IdsLike | PathLike[str] | None, columns: Sequence[object] = ()) -> IdsLike | None:
    """Ids as ``split_ids`` takes them: a text that is no column of the table is a file with one id a line."""
    if not isinstance(ids, str | PathLike):
        return ids
    if isinstance(ids, str) and len(columns) and (ids in map(str, columns) or not Path(ids).exists()):
        return ids
    return read_lines(ids)
