"""The sites of a card: the kind of their values, the names of their dimensions, and what is computed from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError

KINDS = {
    "real": "any finite number",
    "positive": "a number above zero",
    "unit": "a number between 0 and 1",
    "simplex": "numbers above zero that sum to one",
    "precision": "a symmetric positive definite matrix",
    "binary": "0 or 1",
    "count": "a whole number from 0 up",
    "category": "a label from 0 up",
    "one_hot": "zeros and a single 1, along the last dimension",
    "word": "a word of the vocabulary, by its number from 0 up",
}


@dataclass(frozen=True)
class Site:
    """One line of a card: a kind of value and the names of its dimensions, letters in the zoo's own models.

    A dimension may also be a number, which is its size.

    Examples
    --------
    >>> Site.parse("real [K D]")
    Site(kind='real', dims=('K', 'D'))
    >>> Site.parse("real [N 64]").shape({"N": 10})
    (10, 64)
    """

    kind: str
    dims: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Site:
        """Read ``"kind [A B]"``; raises ZooError where the line says anything else."""
        match = re.fullmatch(r"(\w+)(?: \[((?:(?:[A-Z]|\d+) ?)*)\])?", text.strip())
        if not match or match[1] not in KINDS:
            kinds = ", ".join(KINDS)
            raise ZooError(f"a site reads 'kind [A B]' with kind one of {kinds}; given {text!r}")
        return cls(match[1], tuple((match[2] or "").split()))

    @classmethod
    def from_line(cls, line: str | Site) -> Site:
        """The site of a line of a card, which may be one already."""
        return line if isinstance(line, Site) else cls.parse(line)

    def shape(self, sizes: Mapping[str, Any]) -> tuple[int, ...]:
        """The shape of the site's value, given the size of each dimension."""
        return tuple(int(dim if dim.isdigit() else sizes[dim]) for dim in self.dims)

    def __str__(self) -> str:
        return f"{self.kind} [{' '.join(self.dims)}]" if self.dims else self.kind


@dataclass(frozen=True)
class Derived:
    """A quantity that is a function of latents: reported beside them, or in the place of its one source.

    Attributes
    ----------
    sources : tuple of str
        The latents it is computed from.
    function : callable
        ``function(*values, site)`` maps the sources, NumPy arrays with any leading dimensions, to the quantity;
        ``site`` is the first source's line of the card.
    line : str, optional
        The quantity's own line, as in ``"unit [D]"``; without one it has the dimensions of its source, and replaces it.
    """

    sources: tuple[str, ...]
    function: Callable[..., np.ndarray]
    line: str | None = None
