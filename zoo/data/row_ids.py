"""Ids of the rows of a table: a column that is named, the column or the index in which pandas keeps them."""

from __future__ import annotations

from typing import Any, NamedTuple

from zoo.data.column_names import is_index_name
from zoo.errors import unknown


class RowIds(NamedTuple):
    """The ids of rows, and the name of their column."""

    name: str
    values: list[Any]


def split_rows(table: Any, column: str | None = None) -> tuple[Any, RowIds | None]:
    """A table of pandas or polars without the ids of its rows, and the ids, None where there are none.

    They are a column, by default the one without a name in which an index is written to a file, else the index unless
    it is 0, 1, 2, ... Raises ZooError for an unknown column.

    >>> import pandas as pd
    >>> split_rows(pd.DataFrame({"key": ["a", "b"], "x": [1, 2]}), "key")[1]
    RowIds(name='key', values=['a', 'b'])
    """
    names = {str(name): name for name in table.columns}
    if column is not None and column not in names:
        raise unknown("column", column, names)
    index = [name for name in table.columns if isinstance(name, str) and is_index_name(name)]
    label = names[column] if column is not None else index[0] if index else None
    if label is None:
        labels = index_labels(table)
        return table, None if labels is None else RowIds(str(table.index.name or "index"), labels)
    rest = table.drop(columns=label) if hasattr(table, "iloc") else table.drop(label)
    return rest, RowIds(str(label), table[label].to_list())


def index_labels(table: Any) -> list[Any] | None:
    """The labels of the index of a table or series of pandas; None where they are 0, 1, 2, ..., as by default."""
    index: Any = getattr(table, "index", None)
    labels = index.to_list() if hasattr(index, "to_list") else []
    return None if labels == list(range(len(labels))) else labels
