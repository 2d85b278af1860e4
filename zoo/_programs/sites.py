"""What one run of a program tells of its sites, in the same fields for both backends."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["latent", "observed", "deterministic", "learned", "factor"]


class PlateRecord(NamedTuple):
    """A plate of a site. full_size: of the plate where ``size`` of its rows are drawn in each run."""

    name: str
    dim: int
    size: int
    full_size: int


class SiteRecord(NamedTuple):
    """One site of a run.

    role: latent, observed, deterministic, learned (a ``param`` statement) or factor. kind: that on a card. entry: of an
    observed site the array that is its value, "" where it is computed. is_enumerable: whether its support is finite.
    in_scan: whether ``scan`` draws it. distribution_shape: that of one draw. joint_dim: the dimensions of an event that
    does not factorise, 0 of independent numbers that ``to_event`` joins.
    """

    name: str
    role: Role
    kind: str
    shape: tuple[int, ...]
    event_dim: int
    is_discrete: bool
    is_enumerable: bool
    plates: tuple[PlateRecord, ...]
    entry: str = ""
    in_scan: bool = False
    distribution_shape: tuple[int, ...] = ()
    joint_dim: int = 0

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape without the dimensions of one event."""
        return self.shape[: len(self.shape) - self.event_dim]

    def axis_of(self, plate: str) -> int | None:
        """The axis of a plate, None where the site is not in it."""
        dims = {p.name: p.dim for p in self.plates}
        axis = len(self.batch_shape) + dims[plate] if plate in dims else -1
        return axis if axis >= 0 else None


Trace = dict[str, SiteRecord]
