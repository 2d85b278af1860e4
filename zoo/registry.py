"""The registry of models: a folder of ``zoo/`` that holds ``in_<backend>.py`` is a model."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import os
import sys
from pathlib import Path

from zoo._backend import in_backend
from zoo.cards import Card
from zoo.errors import ZooError, unknown
from zoo.model import Model


def _places() -> list[str]:
    """Where folders of models are, in the order in which Python looks for ``zoo.<model>``.

    ``ZOO_MODELS`` names further ones.
    """
    places = sys.modules["zoo"].__path__
    extra = list(filter(None, os.environ.get("ZOO_MODELS", "").split(os.pathsep)))
    places[:] = [str(Path(__file__).parent), *extra]
    return list(places)


def _is_model(folder: Path) -> bool:
    return (folder / "__init__.py").exists() and any(folder.glob("in_*.py"))


def _folders() -> dict[str, Path]:
    """Each model and where it lives."""
    folders = [folder for place in reversed(_places()) for folder in Path(place).glob("[a-z]*") if _is_model(folder)]
    return {folder.name: folder for folder in sorted(folders, key=lambda folder: folder.name)}


def _folder(name: str) -> Path:
    """Where a model lives: found without a look at all folders, since cards are asked for often."""
    if isinstance(name, str) and name.isidentifier() and name[0].islower():
        for place in _places():
            if _is_model(folder := Path(place) / name):
                return folder
    raise unknown("model", name, _folders())


def names() -> list[str]:
    """Names of all models, in alphabetical order."""
    return sorted(_folders())


def card(name: str) -> Card:
    """The card of a model; imports no backend.

    Parameters
    ----------
    name : str
        One of ``zoo.names()``.

    Returns
    -------
    Card

    Raises
    ------
    ZooError
        For an unknown name; the message has the nearest known one. For a folder of ``ZOO_MODELS`` that cannot be
        imported, or has no card; the message has the folder and the reason.

    Examples
    --------
    >>> card("poisson_mixture").latents["rate"]
    'positive [K]'
    """
    folder = _folder(name)
    try:
        module = importlib.import_module(f"zoo.{name}")
        if not isinstance(getattr(module, "CARD", None), Card):
            raise ZooError("__init__.py has no CARD = Card(...)")
        module.CARD.sites()  # the lines of the sites can be read
    except Exception as error:  # whatever the code of a folder raises
        first = next(iter(str(error).splitlines()), "")
        reason = first if isinstance(error, ZooError) else f"{type(error).__name__}: {first}"
        raise ZooError(f"{str(folder)!r} is no model: {reason}") from error
    card = dataclasses.replace(module.CARD, story=(module.__doc__ or "").strip(), package=module.__name__)
    return dataclasses.replace(card.with_latents_of({}), groups=card.groups) if card.groups else card


def cards() -> tuple[dict[str, Card], dict[str, str]]:
    """The cards of all models whose folders are in order, and the reasons for those whose folders are not.

    Returns
    -------
    cards : dict of str to Card
    errors : dict of str to str
    """
    known: dict[str, Card] = {}
    errors: dict[str, str] = {}
    for name in names():
        try:
            known[name] = card(name)
        except ZooError as error:
            errors[name] = str(error)
    return known, errors


def load(name: str, backend: str = "numpyro", **settings: object) -> Model:
    """Load a model of the zoo as a program of one backend, with its settings.

    Parameters
    ----------
    name : str
        One of ``zoo.names()``.
    backend : str, default "numpyro"
        "numpyro" or "pyro".
    **settings
        Keywords of the program: sizes (``K=3``), variants (``covariance="diag"``) and hyperparameters. Sizes of the
        data are read off it when the model is fitted, and hyperparameters that are not set are computed from it.

    Returns
    -------
    Model

    Raises
    ------
    ZooError
        For an unknown name, backend or setting.
    MissingBackend
        Where the packages of the backend are not installed.
    """
    model_card = card(name)
    if backend in model_card.absent:
        raise ZooError(f"{name} is not in {backend}: {model_card.absent[backend]}")
    module = in_backend(f"zoo.{name}", backend)
    return Model(
        module.model, backend=backend, card=model_card, collapsed=getattr(module, "collapsed", None), **settings
    )


def program_keywords(model: str) -> dict[str, str | None]:
    """The keywords of a program, from its source; imports no backend.

    Parameters
    ----------
    model : str
        One of ``zoo.names()``.

    Returns
    -------
    dict of str to str or None
        The text of each default; None where there is none.

    Raises
    ------
    ZooError
        Where the file of the program cannot be read, or has no function ``model``.
    """
    spec = importlib.util.find_spec(f"zoo.{model}")
    source = min(Path(str(spec and spec.origin)).parent.glob("in_*.py"))
    try:
        functions = [f for f in ast.parse(source.read_text()).body if isinstance(f, ast.FunctionDef)]
    except SyntaxError as error:
        raise ZooError(f"{str(source)!r} cannot be read as Python: {error}") from error
    arguments = next((f.args for f in functions if f.name == "model"), None)
    if arguments is None:
        raise ZooError(f"{str(source)!r} has no program: it must define a function model")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {keyword.arg: default and ast.unparse(default) for keyword, default in pairs}
