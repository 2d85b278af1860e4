"""Errors: one line that tells what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """A request cannot be fulfilled; the message tells what is allowed."""


class Refusal(ZooError):
    """An engine or a guide cannot fit a model; the message gives the reason and an alternative."""


class MissingBackend(ZooError, ImportError):
    """The packages of a backend are not installed; the message tells how to install them."""


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
