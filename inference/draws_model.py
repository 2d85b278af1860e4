"""DrawsModel: the model of a fit made elsewhere whose program is not given; it knows names, shapes and kinds alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from zoo import Card, Model, ZooError
from zoo.cards import NOTHING
from zoo.sites import Site
from zoo.types import DataLike, Keywords

COMPONENTS = "K"  # the letter of a card whose labels are exchangeable, which draws alone cannot tell


@dataclass(frozen=True)
class DrawsCard(Card):
    """A card read off draws.

    Attributes
    ----------
    quantities : dict of str to Site
        Kind and dimensions of each quantity; a dimension has any name.
    """

    quantities: Mapping[str, Site] = field(default_factory=dict)

    def sites(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """Every quantity."""
        return dict(self.quantities)

    def parameters(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """Every quantity: draws alone do not tell which belong to rows."""
        return dict(self.quantities)

    def local(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """None."""
        return {}

    def reported(self, settings: Keywords = NOTHING) -> dict[str, Site]:
        """Every quantity."""
        return dict(self.quantities)


class DrawsModel(Model):
    """A model without a program.

    Parameters
    ----------
    card : Card
        Usually a ``DrawsCard``.
    library : str
        The library that made the draws, as "numpyro" or "pymc"; it takes the place of the backend.
    version : str
        The version of the library, "" where it is not recorded.
    coords : dict of str to array
        The coordinates of the dimensions that have any.
    """

    def __init__(self, card: Card, *, library: str, version: str = "", coords: Mapping[str, np.ndarray] = NOTHING):
        # the constructor of Model reads the signature of a program
        self.backend, self.version, self.coords = library, version, dict(coords)
        self.collapsed, self.settings, self.keywords, self.data_names = None, {}, {}, ()
        self._card = card

    @property
    def program(self) -> Any:
        """Raise ZooError: there is none."""
        _missing("this")

    def with_settings(self, **settings: Any) -> Model:
        """The same model: without a program there are no settings."""
        return self

    def bind(self, data: DataLike, seed: int | None = 0, weights: ArrayLike | None = None) -> NoReturn:
        """Raise ZooError: there is no program to bind data to."""
        _missing("its density")

    def complete(
        self, settings: Keywords, table: Mapping[str, np.ndarray], weights: np.ndarray | None = None
    ) -> NoReturn:
        """Raise ZooError: there is no program whose keywords could be completed."""
        _missing("its density")

    def simulate(self, seed: int = 0, values: Mapping[str, np.ndarray] = NOTHING, **settings: Any) -> NoReturn:
        """Raise ZooError: there is no program to simulate from."""
        _missing("a simulation")

    def log_joint(self, values: Mapping[str, np.ndarray], **settings: Any) -> NoReturn:
        """Raise ZooError: there is no program whose density could be computed."""
        _missing("its log joint")

    def __repr__(self) -> str:
        return f"DrawsModel({self.name!r}, library={self.backend!r})"


def _missing(what: str) -> NoReturn:
    raise ZooError(
        f"this fit was made elsewhere and has no program, and {what} needs one: give model=zoo.Model(...) and data=... "
        "to inference.from_mcmc, from_svi or from_arviz"
    )


def has_program(model: Model) -> bool:
    """Whether the program of a model is known."""
    return not isinstance(model, DrawsModel)


def check_program(model: Model) -> None:
    """Raise ZooError for a model without a program."""
    if not has_program(model):
        _missing("this")


def card_of_draws(
    name: str, draws: Mapping[str, np.ndarray], dims: Mapping[str, tuple[str, ...]] = NOTHING, leading: int = 2
) -> DrawsCard:
    """The card of some draws.

    Parameters
    ----------
    name : str
        The name of the model.
    draws : dict of str to array
        Values with ``leading`` dimensions, (chain, draw) for 2, before those of the quantity.
    dims : dict of str to tuple of str, optional
        The names of a quantity's dimensions; by default ``<quantity>_dim_0``, as in ArviZ.
    leading : int, default 2

    Returns
    -------
    DrawsCard

    Examples
    --------
    >>> card_of_draws("regression", {"beta": np.zeros((4, 100, 3))}).quantities
    {'beta': Site(kind='real', dims=('beta_dim_0',))}
    """
    quantities = {}
    for quantity, values in draws.items():
        names = dims.get(quantity, (COMPONENTS,) * (values.ndim - leading))
        unique = tuple(
            f"{quantity}_dim_{i}" if name == COMPONENTS or name in names[:i] else name for i, name in enumerate(names)
        )
        quantities[quantity] = Site(kind_of_values(values), unique)
    return DrawsCard(name, name.replace("_", " "), "draws made elsewhere", {}, {}, quantities=quantities)


def kind_of_values(values: np.ndarray) -> str:
    """The kind of a quantity, by the type of its values.

    >>> kind_of_values(np.array([True])), kind_of_values(np.array([3])), kind_of_values(np.array([0.5]))
    ('binary', 'count', 'real')
    """
    if values.dtype.kind == "b":
        return "binary"
    return "count" if values.dtype.kind in "iu" and (values >= 0).all() else "real"
