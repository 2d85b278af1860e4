"""Ids of documents: titles, keys or names of files, from a column, an index, or a text file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from zoo.data.corpus.vocabulary import read_lines
from zoo.data.row_ids import index_labels, split_rows
from zoo.errors import ZooError
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
    """Documents without their column of ids, and the ids; see ``zoo.data.row_ids`` for those that are not given.

    Raises ZooError for an unknown column.
    """
    is_table = hasattr(data, "columns") and not callable(data.columns)
    if is_table and (ids is None or isinstance(ids, str)):
        table, row_ids = split_rows(data, ids)
        return table, row_ids and row_ids.values
    if isinstance(ids, str):
        raise ZooError(f"ids={ids!r} names a column of a table of counts, which is not given: give one id a document")
    return data, index_labels(data) if ids is None else ids


def read_ids(ids: IdsLike | PathLike[str] | None, columns: Sequence[object] = ()) -> IdsLike | None:
    """Ids as ``split_ids`` takes them: a text that is no column of the table is a file with one id a line."""
    if not isinstance(ids, str | PathLike):
        return ids
    if isinstance(ids, str) and len(columns) and (ids in map(str, columns) or not Path(ids).exists()):
        return ids
    return read_lines(ids)
