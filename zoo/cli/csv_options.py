"""The options of the command line on how CSV files are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from zoo.data.csv_files import CsvOptions

Sep = Annotated[
    str | None, typer.Option(help="The separator of a CSV file: ';', tab, ...", show_default="read off the file")
]
Decimal = Annotated[
    str | None, typer.Option(help="The decimal mark of a CSV file: . or ,", show_default="read off the file")
]
Encoding = Annotated[str | None, typer.Option(help="The encoding of a CSV file, as cp1252.", show_default="utf-8")]
NoHeader = Annotated[bool, typer.Option("--no-header", help="The first row of a CSV file is data, not names.")]
NotAvailable = Annotated[
    list[str] | None,
    typer.Option("--na", help="A text that means a missing value in a CSV file, as -999; again for more."),
]


def make_csv_options(
    sep: str | None, decimal: str | None, encoding: str | None, no_header: bool, na: Sequence[str] | None
) -> CsvOptions:
    """The options as ``zoo.data.csv_files`` takes them; raises ZooError for values that are not allowed."""
    return CsvOptions(sep, decimal, encoding, not no_header, tuple(na or ()))
