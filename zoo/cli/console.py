"""What the command writes to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

PIPED = 120  # columns where there is no terminal to ask


def out() -> Console:
    """Standard output as it is now (tests replace it)."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED)


def complain(line: str) -> None:
    """One red line on stderr, as long as it needs to be."""
    Console(stderr=True, highlight=False).print(line, style="red", markup=False, soft_wrap=True)


def grid(*headers: str, title: str | None = None) -> Table:
    """An empty table with these columns."""
    table = Table(*headers, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    return table


def framed(frame: pd.DataFrame) -> Table:
    """A DataFrame as a table: the index first, numbers to four digits, nothing where nothing is known."""
    from pandas.api.types import is_string_dtype

    names = [str(n) if n else "" for n in frame.index.names]
    table = grid(*names)
    for column in frame.columns:
        table.add_column(str(column), justify="left" if is_string_dtype(frame[column]) else "right")
    for index, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        table.add_row(*map(str, index if isinstance(index, tuple) else (index,)), *map(shown, row))
    return table


def shown(value: Any) -> str:
    """A cell as text.

    >>> shown(1234.5678), shown(float("nan")), shown("reliable")
    ('1235', '', 'reliable')
    """
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)
