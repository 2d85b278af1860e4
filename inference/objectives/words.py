"""Words of options with settings in brackets, as "beta_tc(beta=6)", for frozen dataclasses with a name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from zoo.errors import ZooError, unknown

T = TypeVar("T")


def construct(kind: str, classes: Mapping[str, type[T]], name: str, settings: Mapping[str, Any]) -> T:
    """The instance of a name with settings.

    Parameters
    ----------
    kind : str
        What the classes are, for errors, as "estimator".
    classes : dict of str to type
        Dataclasses by name.
    name : str
    settings : dict

    Returns
    -------
    An instance of one of the classes.

    Raises
    ------
    ZooError
        For an unknown name, and for settings that the class does not have or allow.
    """
    if name not in classes:
        raise unknown(kind, name, sorted(classes))
    allowed = fields(classes[name])  # type: ignore[arg-type]
    if not settings.keys() <= {f.name for f in allowed}:
        listed = ", ".join(f"{f.name}={f.default!r}" for f in allowed) or "no settings"
        raise ZooError(f"{name} has {listed}; given {', '.join(settings)}")
    return classes[name](**settings)


def parse(kind: str, text: str, example: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a word.

    Parameters
    ----------
    kind : str
        What the word names, for the error.
    text : str
    example : str
        A word with settings, for the error.

    Returns
    -------
    tuple of str and dict

    Raises
    ------
    ZooError
        For brackets without settings by name.

    Examples
    --------
    >>> parse("estimator", "gumbel_softmax(temperature=0.3)", "reinforce(baseline=2.0)")
    ('gumbel_softmax', {'temperature': 0.3})
    """
    name, bracket, _ = text.partition("(")
    if not bracket:
        return name, {}
    try:
        call = ast.parse(text, mode="eval").body
        keywords: list[ast.keyword] = call.keywords if isinstance(call, ast.Call) and not call.args else []
        settings = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
    except (SyntaxError, ValueError):
        settings = {}
    if not settings:
        raise ZooError(f"{text!r} is no {kind}: write a name with its settings, as {example!r}")
    return name, settings


def make(kind: str, base: type[T], classes: Mapping[str, type[T]], given: object, example: str) -> T:
    """What a word names, with its default settings or those in brackets, or the instance that is given.

    Parameters
    ----------
    kind, classes, example
        As of ``construct`` and ``parse``.
    base : type
        The class of all instances.
    given : str or instance of ``base``

    Returns
    -------
    Instance of ``base``

    Raises
    ------
    ZooError
        For an unknown name, and for settings that it does not have or allow.
    """
    if isinstance(given, base):
        return given
    if not isinstance(given, str):
        raise unknown(kind, given, sorted(classes))
    name, settings = parse(kind, given, example)
    return construct(kind, classes, name, settings)


def text_of(value: Any) -> str:
    """The word that names an estimator or a penalty, with its settings; a function by its name.

    Parameters
    ----------
    value : dataclass with a ``name``

    Returns
    -------
    str
        As an option takes it, unless a setting is a function.

    Examples
    --------
    >>> from inference.objectives.estimators import make
    >>> text_of(make("gumbel_softmax(temperature=0.3)")), text_of(make("straight_through"))
    ("gumbel_softmax(temperature=0.3, kl='categorical')", 'straight_through')
    """
    values = {f.name: getattr(value, f.name) for f in fields(value)}
    texts = {n: getattr(v, "__qualname__", repr(v)) if callable(v) else repr(v) for n, v in values.items()}
    settings = ", ".join(f"{n}={text}" for n, text in texts.items())
    return f"{value.name}({settings})" if settings else value.name
