"""What one run of a program, as its author wrote it, tells of its densities: in the same fields for both backends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Prior = Literal["standard normal", "fixed", "of other latents"]


@dataclass(frozen=True)
class CallSite:
    """One sample site of a run at the start.

    Attributes
    ----------
    is_observed : bool
    shape : tuple of int
        Of the value.
    density_shape : tuple of int
        Of the log density: one number for each value that counts.
    event_shape : tuple of int
        The last dimensions of the value, which are one value together.
    log_density : float
        Their sum in nats, missing values left out.
    outside : int
        How many values are outside of the support.
    support : str
        Name of the support.
    """

    is_observed: bool
    shape: tuple[int, ...]
    density_shape: tuple[int, ...]
    event_shape: tuple[int, ...]
    log_density: float
    outside: int
    support: str


@dataclass(frozen=True)
class CallTrace:
    """The sample sites of a run by name, and for each plate the rows that it draws and those that it has."""

    sites: dict[str, CallSite]
    plates: dict[str, tuple[int, int]]
