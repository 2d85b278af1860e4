"""Penalties on the codes of a guide that reads rows: objectives of svi beside the plain ELBO.

A penalty is a word of the option ``objective``, with its settings in brackets: ``objective="beta_tc(beta=6)"``. What is
maximised is

    E_q log p(x | z) - w (KL(q(z | x) || p(z)) + penalty)

in nats for each row of the data, with w from 0 to 1 while ``warm_up`` lasts. One file here is one penalty, a frozen
dataclass without a backend: its formula is arithmetic on arrays of either. Its name is a word of the option; a penalty
without weight leaves the ELBO, and its gradients, as they are.

Most are functions of the aggregate posterior q(z), the mean of q(z | x) over the N rows, in which the mean of the KL
divergence has three terms (Hoffman and Johnson 2016; Chen et al. 2018):

    index-code mutual information   E log q(z | x) / q(z)
    total correlation               E log q(z) / prod_j q(z_j)
    dimension-wise KL               sum_j KL(q(z_j) || p(z_j)), for a prior of independent numbers

What a penalty learns itself is a dict of arrays, which the bound takes and returns as it does the state of an
estimator, so that checkpoints hold it.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeAlias

from inference.objectives import words
from inference.objectives.supports import ArrayFunctions
from zoo.errors import ZooError
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
Schedule: TypeAlias = float | Callable[[BackendArray], BackendArray]  # a number, or a function of the fraction
Blocks: TypeAlias = tuple[int | tuple[int, ...], ...]  # coordinates of a code, or several together
EXAMPLE = "beta_tc(beta=6)"


class Codes(NamedTuple):
    """The codes of a batch: given its row, each of the Z numbers of a code is normal and independent of the others.

    mean, sd: of q(z | x), (B, Z). draws: one of each row, (B, Z). num_rows: N, of all rows that are trained on. blocks:
    the coordinates that the guide names, as ``infer={"blocks": (0,)}`` at the statement of the code; None for no names.
    """

    mean: BackendArray
    sd: BackendArray
    draws: BackendArray
    num_rows: float
    blocks: Blocks | None = None


class PenaltyInputs(NamedTuple):
    """What a penalty may depend on.

    kl: of all latents of the rows, a scalar in nats per row. codes: None where the penalty does not read them.
    fraction: of training that is done. state: of the penalty. key: of random numbers, in NumPyro alone. functions: of
    the backend.
    """

    kl: BackendArray
    codes: Codes | None
    fraction: BackendArray
    state: Arrays
    key: BackendArray
    functions: ArrayFunctions


@dataclass(frozen=True)
class Penalty(ABC):
    """What every penalty declares.

    Attributes
    ----------
    name : str
        The word by which users name it.
    citation : str
        The source of the formula.
    reads_codes : bool
        Whether it depends on the codes, which are then one normal latent of each row; else on the KL divergence alone.
    uses_draws : bool
        Whether it needs the draw of each code, of which there is then one in a step.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    reads_codes: ClassVar[bool] = True
    uses_draws: ClassVar[bool] = False

    @property
    def depends_on_fraction(self) -> bool:
        """Whether it changes with the fraction of training that is done."""
        return any(callable(getattr(self, f.name)) for f in fields(self))

    @abstractmethod
    def value(self, inputs: PenaltyInputs) -> BackendArray:
        """The penalty of a batch.

        Parameters
        ----------
        inputs : PenaltyInputs

        Returns
        -------
        array
            A scalar in nats per row, to be minimised.
        """

    def initial_state(self, num_dims: int, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """What it learns, before the first step, for codes of ``num_dims`` numbers; empty for most."""
        return {}

    def next_state(self, inputs: PenaltyInputs) -> Arrays:
        """What it has learned after a step, from codes without gradients."""
        return inputs.state


def value_at(setting: Schedule, fraction: BackendArray) -> BackendArray:
    """The value of a setting at a fraction of training."""
    return setting(fraction) if callable(setting) else setting


def check_number(name: str, value: object, is_allowed: Callable[[float], bool], allowed: str) -> None:
    """Raise ZooError unless a setting is a real number that is allowed, or a function where ``allowed`` names one."""
    if callable(value) and "function" in allowed:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_allowed(value):
        raise ZooError(f"{name} is {allowed}; given {value!r}")


def check_weight(**settings: object) -> None:
    """Raise ZooError unless each setting is a finite number from 0 up."""
    for name, value in settings.items():
        check_number(name, value, lambda v: 0 <= v < float("inf"), "a number from 0 up")


@cache
def all_penalties() -> dict[str, type[Penalty]]:
    """The classes by name: those of every file of this package.

    Returns
    -------
    dict of str to type
    """
    classes = [import_module(f"{__name__}.{module.name}").PENALTY for module in pkgutil.iter_modules(__path__)]
    return {c.name: c for c in classes}


def names() -> list[str]:
    """The names of the penalties.

    Examples
    --------
    >>> names()
    ['adversary', 'annealed', 'beta', 'beta_tc', 'dip', 'factor']
    """
    return sorted(all_penalties())


def penalty(name: str, **settings: Any) -> Penalty:
    """The penalty of a name with settings, for the option ``objective`` of svi.

    Parameters
    ----------
    name : str
        One of ``names()``.
    **settings
        Those of the penalty, as ``gamma`` of "factor" or ``weights`` of "beta_tc".

    Returns
    -------
    Penalty

    Raises
    ------
    ZooError
        For an unknown name, and for settings that it does not have or allow.

    Examples
    --------
    >>> penalty("beta", beta=lambda fraction: 1 + 3 * fraction).depends_on_fraction
    True
    """
    return words.construct("penalty", all_penalties(), name, settings)


def make(given: str | Penalty) -> Penalty:
    """The penalty of a word, with its default settings or those in brackets, or the one that is given.

    Parameters
    ----------
    given : str or Penalty

    Returns
    -------
    Penalty

    Raises
    ------
    ZooError
        For an unknown name, and for settings that it does not have or allow.

    Examples
    --------
    >>> make("beta_tc(beta=6)").beta
    6
    """
    return words.make("penalty", Penalty, all_penalties(), given, EXAMPLE)
