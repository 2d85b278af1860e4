"""Errors: one line that tells what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class ZooError(ValueError):
    """A request cannot be fulfilled; the message tells what is allowed."""


class Refusal(ZooError):
    """An engine or a guide cannot fit a model; the message gives the reason and an alternative."""


class DensityError(ZooError):
    """The log density is not a number where an engine begins: of the start, or of data that the program cannot have."""


class MissingBackend(ZooError, ImportError):
    """The packages of a backend are not installed; the message tells how to install them."""


class ZooWarning(UserWarning):
    """Data or settings that are probably a mistake; the message tells what to do."""


class ColumnError(ZooError):
    """A column of a table cannot be used: ``{}`` in the text stands for the columns.

    Examples
    --------
    >>> error = ColumnError("column {} of x is constant: drop it", [1])
    >>> print(error)
    column 1 of x is constant: drop it
    >>> print(error.with_names(["age", "sex"]))
    column sex of x is constant: drop it
    """

    def __init__(self, text: str, columns: Iterable[int], names: Sequence[str] = ()):
        self.text, self.columns = text, [int(d) for d in columns]
        shown = [names[d] if d < len(names) else str(d) for d in self.columns]
        super().__init__(text.format(", ".join(shown)))

    def with_names(self, names: Sequence[str]) -> ColumnError:
        """The same error with the names of the columns."""
        return ColumnError(self.text, self.columns, names)

    def __reduce__(self) -> tuple[type, tuple[str, list[int]]]:
        return ColumnError, (self.text, self.columns)


def describe_error(error: BaseException) -> str:
    """Type and first line of an exception of a library or of a user's program.

    Examples
    --------
    >>> describe_error(TypeError("shapes differ"))
    'TypeError: shapes differ'
    """
    text = " ".join(next((line for line in str(error).splitlines() if line.strip()), "").split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unknown(what: str, given: object, known: Iterable[str]) -> ZooError:
    """The error for an unknown name, with the nearest known one.

    Examples
    --------
    >>> print(unknown("model", "gausian_mixture", ["gaussian_mixture", "latent_class"]))
    no model 'gausian_mixture'; did you mean 'gaussian_mixture'?
    """
    names = list(known)
    matches = difflib.get_close_matches(str(given), names, n=1)
    if matches:
        return ZooError(f"no {what} {given!r}; did you mean {matches[0]!r}?")
    return ZooError(f"no {what} {given!r}; known: {', '.join(names) or 'none'}")
