"""The terminal: console, tables and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd


class PrintOptions(TypedDict):
    """Options of ``rich.console.Console.print``."""

    markup: bool
    soft_wrap: bool


PLAIN: PrintOptions = {"markup": False, "soft_wrap": True}
PIPE_WIDTH = 120  # columns where there is no terminal to ask


def stdout() -> Console:
    """A console on the current standard output, which tests replace."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_error(line: str) -> None:
    """Print one red line on stderr."""
    Console(stderr=True, highlight=False).print(line, style="red", markup=False, soft_wrap=True)


def print_warning(line: str) -> None:
    """Print one yellow line on stderr."""
    Console(stderr=True, highlight=False).print(line, style="yellow", markup=False, soft_wrap=True)


class PlainTable(Table):
    """A table whose text is printed as it is: ``mu[a]`` is no markup."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row; text is not read as markup."""
        super().add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def make_table(*headers: str) -> PlainTable:
    """An empty table with these columns."""
    table = PlainTable(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(Text(header))
    return table


def dataframe_table(frame: pd.DataFrame) -> Table:
    """A DataFrame as a table: the index first, numbers to four digits, NaN as an empty cell."""
    from pandas.api.types import is_string_dtype

    names = [str(n) if n else "" for n in frame.index.names]
    table = make_table(*names)
    for column in frame.columns:
        table.add_column(Text(str(column)), justify="left" if is_string_dtype(frame[column]) else "right")
    for index, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        table.add_row(*map(str, index if isinstance(index, tuple) else (index,)), *map(cell_text, row))
    return table


def cell_text(value: object) -> str:
    """A cell as text.

    >>> cell_text(1234.5678), cell_text(float("nan")), cell_text("reliable")
    ('1235', '', 'reliable')
    """
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)
