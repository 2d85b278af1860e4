"""Estimators of the gradient through discrete draws of a guide, for any program and guide.

An estimator is an option of a site: ``gradient={"z": "disarm"}``, or one word for all discrete sites. One file here is
one estimator, a frozen dataclass of one of three kinds:

    ScoreEstimator        weighs the score of each draw, d log q(b), by the objective less a baseline
    AntitheticEstimator   compares the objective at two coupled draws of Bernoulli numbers, in one more run each
    StraightThrough       puts a value with a gradient in the place of the draw, and so optimises another objective

With f(b) the objective at a draw b, up to a constant that does not depend on the parameters of q(b), every unbiased
estimator has the mean d E_q f(b). For the ELBO the term -log q(b) is a part of f without its own gradient, the mean of
which is 0.

``enumerate`` sums over the values of a site instead of drawing it. ``auto``, the default, enumerates latents of the
rows whose values are at most ``MAX_VALUES`` together, and takes ``disarm`` for other binary sites and ``rloo`` for the
rest.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import ClassVar, NamedTuple

from zoo.errors import ZooError, unknown
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
        The supports it takes, of "binary", "category" and "count".
    min_particles : int
        The fewest draws of a step.
    bounds : tuple of str
        The objectives it is for.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    is_unbiased: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("binary", "category", "count")
    min_particles: ClassVar[int] = 1
    bounds: ClassVar[tuple[str, ...]] = ("elbo", "iwae")


class ArrayFunctions(NamedTuple):
    """Functions of a backend's arrays over their first dimension."""

    log_mean_exp: Callable[[BackendArray], BackendArray]
    stack: Callable[[list[BackendArray]], BackendArray]


@dataclass(frozen=True)
class ScoreEstimator(Estimator):
    """An estimator that weighs the score of each draw."""

    @abstractmethod
    def signal(self, f: BackendArray) -> BackendArray:
        """The weight of the score of each draw, for ``elbo``.

        Parameters
        ----------
        f : array, (K, ...)
            The objective at each of K draws, in nats.

        Returns
        -------
        array, (K, ...)
        """

    def signal_of_weights(self, log_weights: BackendArray, arrays: ArrayFunctions) -> BackendArray:
        """The weight of the score of each draw, for ``iwae``.

        Parameters
        ----------
        log_weights : array, (K, ...)
            log p(x, b) - log q(b) of each draw, in nats.
        arrays : ArrayFunctions
            ``log_mean_exp`` and ``stack`` of the backend.

        Returns
        -------
        array, (K, ...)
        """
        bound = self.signal(arrays.log_mean_exp(log_weights))
        return arrays.stack([bound] * len(log_weights))


@dataclass(frozen=True)
class AntitheticEstimator(Estimator):
    """An estimator by two coupled draws b = 1[u > 1 - p] and c = 1[u < p] of Bernoulli numbers of probability p."""

    kinds: ClassVar[tuple[str, ...]] = ("binary",)
    bounds: ClassVar[tuple[str, ...]] = ("elbo",)

    @abstractmethod
    def slope(self, u: BackendArray, p: BackendArray, b: BackendArray, c: BackendArray) -> BackendArray:
        """The derivative by the logit of each number, divided by f(b) - f(c).

        Parameters
        ----------
        u : array
            Uniform numbers between 0 and 1.
        p, b, c : array
            The probability of 1, and the two draws.

        Returns
        -------
        array
        """


@dataclass(frozen=True)
class Enumerate(Estimator):
    """Each value of a discrete latent of the rows, weighted by its probability: no noise, and no draw."""

    name: ClassVar[str] = "enumerate"
    citation: ClassVar[str] = "the law of total expectation"


@dataclass(frozen=True)
class Auto(Estimator):
    """``enumerate`` where the values of a row are few, else ``disarm`` for binary sites and ``rloo`` for others."""

    name: ClassVar[str] = "auto"
    citation: ClassVar[str] = "a rule of this project"


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
    >>> names()
    ['arm', 'auto', 'disarm', 'enumerate', 'reinforce', 'rloo', 'straight_through']
    """
    return sorted(all_estimators())


def make(given: str | Estimator) -> Estimator:
    """The estimator of a name with its default settings, or the one that is given.

    Parameters
    ----------
    given : str or Estimator

    Returns
    -------
    Estimator

    Raises
    ------
    ZooError
        For an unknown name.

    Examples
    --------
    >>> make("rloo").min_particles
    2
    """
    if isinstance(given, Estimator):
        return given
    classes = all_estimators()
    if not isinstance(given, str) or given not in classes:
        raise unknown("estimator", given, sorted(classes))
    return classes[given]()


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
        raise ZooError(
            f"{estimator.name} is for sites that are {' or '.join(estimator.kinds)}, and {name} is {kind}: take "
            f"{', '.join(sorted(others))}"
        )
    if objective not in estimator.bounds:
        raise ZooError(f"{estimator.name} is for the {estimator.bounds[0]}: iwae takes rloo (VIMCO) or reinforce")
    if num_particles < estimator.min_particles:
        raise ZooError(
            f"{estimator.name} takes {estimator.min_particles} draws or more in each step: num_particles="
            f"{estimator.min_particles}; given {num_particles}"
        )
