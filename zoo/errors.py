"""What the zoo says when it cannot do as asked: one line that ends in what would work."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """Something the user asked cannot be done; the message says what would work."""


class Refusal(ZooError):
    """An engine or a guide declines a model; the message gives the reason and an alternative."""


class MissingBackend(ZooError, ImportError):
    """A backend was asked for that is not installed."""


def unknown(what: str, given: object, known: Iterable[str]) -> ZooError:
    """The error for a name nobody knows, with the nearest name that somebody does.

    >>> print(unknown("model", "gausian_mixture", ["gaussian_mixture", "latent_class"]))
    no model 'gausian_mixture'; did you mean 'gaussian_mixture'?
    """
    names = list(known)
    near = difflib.get_close_matches(str(given), names, n=1)
    if near:
        return ZooError(f"no {what} {given!r}; did you mean {near[0]!r}?")
    return ZooError(f"no {what} {given!r}; known: {', '.join(names) or 'none'}")
