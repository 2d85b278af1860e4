"""The options of the command line that declare what is otherwise found by reading a program: rows and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from zoo._programs.reading import Choices
from zoo.errors import ZooError

NO_CHOICES = Choices()

Rows = Annotated[
    str | None, typer.Option("--rows", help="The plate of the rows.", show_default="the one around all observed sites")
]
RowArguments = Annotated[
    str | None,
    typer.Option(
        "--row-arguments", help="The arguments that go with the rows: X,y.", show_default="found by running on half"
    ),
]
Dims = Annotated[
    list[str] | None,
    typer.Option("--dims", help="Names of the dimensions of a site that are no plates: beta=covariate; repeat."),
]
Coords = Annotated[
    list[str] | None, typer.Option("--coords", help="Labels along a dimension: covariate=age,height; repeat.")
]


def make_choices(
    rows: str | None, row_arguments: str | None, dims: Sequence[str] | None, coords: Sequence[str] | None
) -> Choices:
    """The choices of a user as ``zoo.read`` takes them; raises ZooError for a word that is no ``NAME=A,B``."""
    return Choices(
        rows,
        split_names(row_arguments) if row_arguments else None,
        parse_lists(dims or (), "--dims", "beta=covariate"),
        parse_lists(coords or (), "--coords", "covariate=age,height"),
    )


def parse_lists(words: Sequence[str], flag: str, example: str) -> dict[str, list[str]]:
    """``["beta=a,b"]`` as lists by name.

    >>> parse_lists(["beta=group,covariate"], "--dims", "beta=covariate")
    {'beta': ['group', 'covariate']}
    """
    lists: dict[str, list[str]] = {}
    for word in words:
        name, _, text = word.partition("=")
        if not name.strip() or not split_names(text):
            raise ZooError(f"{flag} reads NAME=A,B, as in {flag} {example}; given {word!r}")
        if name.strip() in lists:
            raise ZooError(f"{flag} {name.strip()} is given twice")
        lists[name.strip()] = split_names(text)
    return lists


def split_names(text: str) -> list[str]:
    """Names that commas separate.

    >>> split_names("age, height")
    ['age', 'height']
    """
    return [name.strip() for name in text.split(",") if name.strip()]
