"""Options of an engine as a frozen dataclass: type, default, allowed values and help of each in one place.

The fields are declared by ``whole``, ``number``, ``choice``, ``flag`` and ``custom``. From the declarations come the
validation with its error messages, ``zoo show``, the documentation, and ``engine_keywords`` of the overloads of
``inference.fit`` (a test compares the two).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from zoo.checks import check_whole
from zoo.errors import ZooError, unknown

T = TypeVar("T")
Whole = TypeVar("Whole", bound=int | None)
Number = TypeVar("Number", bound=float | None)
Choice = TypeVar("Choice", bound=str | None)
Check: TypeAlias = Callable[[str, object], None]  # (name, value): raises ZooError
# arrays by the name of the site, with which a fit begins
Start: TypeAlias = Mapping[str, ArrayLike]


def is_real(value: object) -> TypeGuard[float]:
    """Whether a value is a real number; True and False are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


class OptionField(NamedTuple):
    """One option, as the documentation shows it."""

    name: str
    default: object
    allowed: str
    help: str


def _field(default: T, allowed: str, help: str, check: Check | None, optional: bool) -> T:
    def checked(name: str, value: object) -> None:
        if check is not None and not (optional and value is None):
            check(name, value)

    allowed = f"{allowed}, or None" if optional else allowed
    return dataclasses.field(default=default, metadata={"allowed": allowed, "help": help, "check": checked})


def whole(default: Whole, help: str, *, least: int = 1, optional: bool = False) -> Whole:
    """A whole number from ``least`` up; None is allowed where ``optional``."""

    def check(name: str, value: object) -> None:
        check_whole(least, **{name: value})

    return _field(default, f"a whole number from {least} up", help, check, optional)


def number(
    default: Number,
    allowed: str,
    is_allowed: Callable[[float], bool],
    help: str,
    *,
    optional: bool = False,
    function: str | None = None,
) -> Number:
    """A real number for which ``is_allowed``, described by ``allowed`` as in "a probability between 0 and 1".

    function: what a function in its place maps, where one may be given, as in "from the step to one".
    """
    text = allowed if function is None else f"{allowed}, or a function {function}"

    def check(name: str, value: object) -> None:
        if function is not None and callable(value):
            return
        if not is_real(value) or not is_allowed(float(value)):
            raise ZooError(f"{name} is {text}; given {value!r}")

    return _field(default, text, help, check, optional)


def choice(default: Choice, values: tuple[str, ...], help: str, *, optional: bool = False) -> Choice:
    """One of several words; None is allowed where ``optional``."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, str) or value not in values:
            raise unknown(name, value, values)

    return _field(default, "one of " + ", ".join(map(repr, values)), help, check, optional)


def flag(default: bool, help: str) -> bool:
    """True or False."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, bool | np.bool_):
            raise ZooError(f"{name} is True or False; given {value!r}")

    return _field(default, "True or False", help, check, optional=False)


def custom(default: T, allowed: str, help: str, check: Check | None = None) -> T:
    """A value that no range describes: an array, a function, a folder."""
    return _field(default, allowed, help, check, optional=default is None)


@dataclass(frozen=True)
class EngineOptions:
    """The options of one engine; raises ZooError for a value that is not allowed."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            field.metadata["check"](field.name, getattr(self, field.name))
        self.check()

    def check(self) -> None:
        """Raise ZooError for options that do not go together."""

    @classmethod
    def names(cls) -> list[str]:
        """The names of the options."""
        return [field.name for field in dataclasses.fields(cls)]

    def described(self) -> list[OptionField]:
        """Each option with its value here as the default, what is allowed, and one line of help."""
        return [
            OptionField(f.name, getattr(self, f.name), f.metadata["allowed"], f.metadata["help"])
            for f in dataclasses.fields(self)
        ]

    def as_dict(self) -> dict[str, Any]:
        """The options by name; values are not copied."""
        return {name: getattr(self, name) for name in self.names()}

    def replace(self, given: Mapping[str, object], engine: str) -> Self:
        """The options with some replaced.

        Parameters
        ----------
        given : dict
            Values by the name of the option.
        engine : str
            Name of the engine, for the error.

        Returns
        -------
        EngineOptions

        Raises
        ------
        ZooError
            For an unknown name, and for a value that is not allowed.
        """
        for name in given:
            if name not in self.names():
                raise unknown(f"option of {engine}", name, self.names())
        return dataclasses.replace(self, **given)
