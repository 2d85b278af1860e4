"""Estimators of the gradient through discrete draws of a guide, for any program and guide.

An estimator is an option of a site: ``gradient={"z": "disarm"}``, or one word for all discrete sites. One file here is
one estimator, a frozen dataclass of one of the forms in ``inference.objectives.forms``:

    ScoreEstimator        weighs the score of each draw, d log q(b), by the objective less a baseline
    EvaluatingEstimator   evaluates the objective at more values of the site; two coupled ones if an AntitheticEstimator
    RelaxedEstimator      draws a value with a gradient, and so optimises another objective

With f(b) the objective at a draw b, up to a constant that does not depend on the parameters of q(b), every unbiased
estimator has the mean d E_q f(b). For the ELBO the term -log q(b) is a part of f without its own gradient, the mean of
which is 0.

``enumerate`` sums over the values of a site instead of drawing it. ``auto``, the default, enumerates latents of the
rows whose values are at most ``MAX_VALUES`` together, and takes ``disarm`` for other binary sites and ``rloo`` for the
rest.
"""

from __future__ import annotations

import pkgutil
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from inference.objectives import words
from inference.objectives.baselines import Sizes
from inference.objectives.supports import ArrayFunctions
from zoo.errors import ZooError
from zoo.types import BackendArray

MAX_VALUES = 1000  # that the latents of one row take together where "auto" enumerates them
EVERY_SITE = ""  # the key of an estimator for all discrete sites


@dataclass(frozen=True)
class Estimator(ABC):
    """What every estimator declares.

    Attributes
    ----------
    name : str
        The word by which users name it.
    citation : str
        The source of the formula.
    is_unbiased : bool
        Whether its mean is the gradient of the bound.
    kinds : tuple of str
        The supports it takes, of "binary", "category", "one_hot" and "count".
    min_particles : int
        The fewest draws of a step.
    evaluations_per_draw : int
        How often the program runs for each draw.
    bounds : tuple of str
        The objectives it is for.
    relaxes_later : bool
        Whether discrete latents that are drawn after the site must have supports that can be relaxed.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    is_unbiased: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("binary", "category", "one_hot", "count")
    min_particles: ClassVar[int] = 1
    evaluations_per_draw: ClassVar[int] = 1
    bounds: ClassVar[tuple[str, ...]] = ("elbo", "iwae")
    relaxes_later: ClassVar[bool] = False

    def initial_state(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> dict[str, BackendArray]:
        """What the estimator learns or remembers, before the first step; empty for most."""
        return {}


@dataclass(frozen=True)
class Enumerate(Estimator):
    """Each value of a discrete latent of the rows, weighted by its probability: no noise, and no draw."""

    name: ClassVar[str] = "enumerate"
    citation: ClassVar[str] = "the law of total expectation"


@dataclass(frozen=True)
class Auto(Estimator):
    """``enumerate`` where the values of a row are few, else one estimator for binary sites and another for the rest.

    Parameters
    ----------
    binary : str, default "disarm"
        The estimator of a binary site, for ``elbo``.
    other : str, default "rloo"
        The estimator of other sites, and of all of them for ``iwae``.
    """

    name: ClassVar[str] = "auto"
    citation: ClassVar[str] = "a rule of this project"

    binary: str = "disarm"
    other: str = "rloo"


@cache
def all_estimators() -> dict[str, type[Estimator]]:
    """The classes by name: those of every file of this package, and of the two here.

    Returns
    -------
    dict of str to type
    """
    classes: dict[str, type[Estimator]] = {"auto": Auto, "enumerate": Enumerate}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("in_"):
            found = import_module(f"{__name__}.{module.name}").ESTIMATOR
            classes[found.name] = found
    return classes


def names() -> list[str]:
    """The names of the estimators.

    Examples
    --------
    >>> names()  # doctest: +NORMALIZE_WHITESPACE
    ['arm', 'auto', 'disarm', 'enumerate', 'gumbel_softmax', 'muprop', 'rebar', 'reinforce', 'relax', 'rloo',
     'straight_through', 'straight_through_gumbel']
    """
    return sorted(all_estimators())


def estimator(name: str, **settings: Any) -> Estimator:
    """The estimator of a name with settings, for the option ``gradient`` of svi.

    Parameters
    ----------
    name : str
        One of ``names()``.
    **settings
        Those of the estimator, as ``temperature`` of "gumbel_softmax" or ``baseline`` of "reinforce".

    Returns
    -------
    Estimator

    Raises
    ------
    ZooError
        For an unknown name, and for settings that it does not have or allow.

    Examples
    --------
    >>> estimator("gumbel_softmax", temperature=lambda fraction: 1.0 - 0.8 * fraction).temperature_at(0.5)
    0.6
    """
    return words.construct("estimator", all_estimators(), name, settings)


def make(given: str | Estimator) -> Estimator:
    """The estimator of a word, with its default settings or those in brackets, or the one that is given.

    Parameters
    ----------
    given : str or Estimator

    Returns
    -------
    Estimator

    Raises
    ------
    ZooError
        For an unknown name, and for settings that it does not have or allow.

    Examples
    --------
    >>> make("rloo").min_particles
    2
    >>> make("gumbel_softmax(temperature=0.3)").temperature
    0.3
    """
    return words.make("estimator", Estimator, all_estimators(), given, "reinforce(baseline=2.0)")


def by_site(given: str | Estimator | Mapping[str, str | Estimator]) -> dict[str, Estimator]:
    """The estimators by site; one for all sites has the key ``EVERY_SITE``.

    Parameters
    ----------
    given : str, Estimator or dict of str to these

    Returns
    -------
    dict of str to Estimator

    Raises
    ------
    ZooError
        For an unknown name.

    Examples
    --------
    >>> list(by_site({"z": "disarm"}))
    ['z']
    """
    if isinstance(given, Mapping):
        return {site: make(one) for site, one in given.items()}
    return {EVERY_SITE: make(given)}


def check_site(estimator: Estimator, name: str, kind: str, objective: str, num_particles: int) -> None:
    """Raise ZooError unless an estimator can be used for a discrete site of some kind, for an objective of K draws."""
    if kind not in estimator.kinds:
        others = [n for n, e in all_estimators().items() if kind in e.kinds and n not in ("auto", "enumerate")]
        remedy = f"take {', '.join(sorted(others))}"
        if kind == "category" and "one_hot" in estimator.kinds:
            remedy += ", or let program and guide draw one-hot vectors (OneHotCategorical)"
        kinds = " or ".join(k.replace("_", "-") for k in estimator.kinds)
        raise ZooError(f"{estimator.name} is for sites that are {kinds}, and {name} is {kind}: {remedy}")
    if objective not in estimator.bounds:
        others = sorted(n for n, e in all_estimators().items() if objective in e.bounds and n != "enumerate")
        raise ZooError(f"{estimator.name} is for the {estimator.bounds[0]}: {objective} takes {', '.join(others)}")
    if num_particles < estimator.min_particles:
        raise ZooError(
            f"{estimator.name} takes {estimator.min_particles} draws or more in each step: num_particles="
            f"{estimator.min_particles}; given {num_particles}"
        )
