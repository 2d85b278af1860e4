"""The contract of an engine: what it is given, what it returns, and what it declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Generic, TypeVar

import numpy as np

from inference.diagnostics import Diagnostics
from inference.engines.options import EngineOptions
from zoo import Card, Model
from zoo._backend import in_backend
from zoo.types import DataLike, Keywords, Program

O = TypeVar("O", bound=EngineOptions, covariant=True)  # noqa: E741


@dataclass(frozen=True)
class FitRequest(Generic[O]):
    """What an engine is given: NumPy arrays and plain values, which it converts to its backend once.

    Attributes
    ----------
    model : zoo.Model
        The program with its card.
    keywords : dict
        Every keyword of the program.
    table : dict
        The data, by site.
    seed : int
        Seed of everything random.
    options : EngineOptions
        Every option of the engine.
    progress : bool
        Whether to show a progress bar.
    """

    model: Model
    keywords: Keywords
    table: dict[str, DataLike]
    seed: int
    options: O
    progress: bool

    @property
    def card(self) -> Card:
        return self.model.card

    @property
    def program(self) -> Program:
        """The program to run: ``collapsed`` where the model has one, unless the options ask for the full program."""
        full = getattr(self.options, "collapsed", True) is False
        return self.model.program if full else self.model.collapsed or self.model.program

    @property
    def rows(self) -> int:
        """The number of rows of the data, 1 where it has no rows."""
        if self.keywords.get("N"):
            return self.keywords["N"]
        first = next(iter(self.table.values()), np.zeros(()))
        return 1 if self.card.covariates or np.ndim(first) == 0 else len(first)


@dataclass
class EngineResult:
    """What an engine returns, in NumPy arrays: see ``inference.record.FitRecord`` for the meaning of each field.

    Attributes
    ----------
    params : dict of str to ndarray
        Point estimates; those of sites with draws may be left out, and are then the mean of the aligned draws.
    trace : ndarray
        The objective after each iteration, in nats.
    diagnostics : Diagnostics
        The engine's record.
    draws, stats, state : dict of str to ndarray
        Draws (chain, draw, *shape), numbers beside the draws (chain, draw), and arrays to continue from.
    keywords : dict
        Hyperparameters that were learned, in place of those given.
    """

    params: dict[str, np.ndarray]
    trace: np.ndarray
    diagnostics: Diagnostics
    draws: dict[str, np.ndarray] = field(default_factory=dict)
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    keywords: Keywords = field(default_factory=dict)


class Engine(ABC):
    """An engine: a package of ``inference.engines`` with ``ENGINE``, an instance of a subclass.

    name: as in ``inference.fit(..., engine=name)``; it is that of the package. options: the class of its options.
    diagnostics: the classes of its diagnostics, which a saved fit names. order: engines with a lower number are tried
    first where the user names none. redraws_intensities: whether binary pixels are drawn anew at each step, from data
    given as ``Intensities``; other engines are given one draw.
    """

    name: ClassVar[str]
    options: ClassVar[type[EngineOptions]]
    diagnostics: ClassVar[tuple[type[Diagnostics], ...]]
    order: ClassVar[int] = 100
    redraws_intensities: ClassVar[bool] = False

    @abstractmethod
    def refuses(self, card: Card, backend: str) -> str | None:
        """Why the engine cannot fit a model; quick, and imports no backend.

        Parameters
        ----------
        card : zoo.Card
        backend : str
            "numpyro" or "pyro".

        Returns
        -------
        str or None
            The reason, with what would work; None where the engine can fit the model.
        """

    def refuses_options(self, card: Card, backend: str, options: EngineOptions) -> str | None:
        """As ``refuses``, with options that may let the engine fit a model that it refuses without them.

        Parameters
        ----------
        card : zoo.Card
        backend : str
        options : EngineOptions

        Returns
        -------
        str or None
        """
        return self.refuses(card, backend)

    def default_options(self, card: Card) -> EngineOptions:
        """The options for a model where the user sets none.

        Parameters
        ----------
        card : zoo.Card

        Returns
        -------
        EngineOptions
        """
        return self.options()

    def has_option(self, name: str) -> bool:
        """Whether the engine has an option of this name for some model.

        Parameters
        ----------
        name : str

        Returns
        -------
        bool
        """
        return name in {f.name for f in fields(self.options)}

    def make_options(self, given: Mapping[str, object], card: Card) -> EngineOptions:
        """The options that the user gives, over the defaults.

        Parameters
        ----------
        given : dict
            Values by the name of the option.
        card : zoo.Card

        Returns
        -------
        EngineOptions

        Raises
        ------
        ZooError
            For an unknown name, and for a value that is not allowed.
        """
        return self.default_options(card).replace(given, self.name)

    def run(self, request: FitRequest[EngineOptions]) -> EngineResult:
        """Fit, within the runtime of the backend: ``run(request)`` of ``in_<backend>.py`` in the engine's package.

        Parameters
        ----------
        request : FitRequest

        Returns
        -------
        EngineResult
        """
        return in_backend(type(self).__module__, request.model.backend).run(request)
