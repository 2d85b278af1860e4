"""Sample sites of a traced program, which both backends describe by the same fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from inference.objectives import refusals
from zoo.errors import ZooError
from zoo.types import BackendArray

Site = dict[str, BackendArray]  # the message of a sample statement, of either backend


class Run(NamedTuple):
    """The sample sites of one run, by name, and the sizes ``(N, B)`` of its plate N and of the batch.

    enumerated: the discrete latents that have all of their values. assigned, through: what the statements ``assign``
    and ``straight_through`` give, by name. shared: the sites of the program, where the guide has run it at its draws.
    """

    sites: dict[str, Site]
    plate: tuple[int, int] | None
    enumerated: tuple[str, ...] = ()
    assigned: Mapping[str, BackendArray] = MappingProxyType({})
    through: Mapping[str, BackendArray] = MappingProxyType({})
    shared: Mapping[str, Site] = MappingProxyType({})

    @property
    def draws_discrete(self) -> bool:
        """Whether discrete latents are drawn, so that their gradient needs estimators."""
        return any(s["fn"].support.is_discrete for n, s in self.latents.items() if n not in self.enumerated)

    @property
    def latents(self) -> dict[str, Site]:
        """The latent sites by name."""
        return {n: s for n, s in self.sites.items() if not s["is_observed"]}

    @property
    def observed(self) -> dict[str, Site]:
        """The observed sites by name, factors among them."""
        return {n: s for n, s in self.sites.items() if s["is_observed"]}


class CannotBroadcast(ZooError):
    """Several draws cannot be a leading dimension of one run of this program or guide."""

    def __init__(self, name: str):
        super().__init__(f"draws of {name} cannot be one more dimension: let it be in the plate N alone, the last one")


def site_scale(site: Site) -> BackendArray:
    """The factor by which a site's log density counts."""
    return 1.0 if site["scale"] is None else site["scale"]


def multiply(scale: BackendArray, log: BackendArray) -> BackendArray:
    """``scale * log``, without an operation where the scale is 1."""
    return log if isinstance(scale, int | float) and scale == 1 else scale * log


def plate_dims(site: Site) -> dict[str, int]:
    """The dimension of each plate of a site, by the name of the plate."""
    return {frame.name: frame.dim for frame in site["cond_indep_stack"]}


def is_in_rows(site: Site) -> bool:
    """Whether a site is in the plate N."""
    return "N" in plate_dims(site)


def numbers_in_row(site: Site) -> int:
    """How many numbers a value of a site has in each row of the plate N."""
    others = (frame.size for frame in site["cond_indep_stack"] if frame.name != "N")
    return math.prod((*site["fn"].event_shape, *others))


def check_broadcast(site: Site) -> None:
    """Raise CannotBroadcast for a site in other plates than N, or where rows are not the last dimension."""
    if plate_dims(site) != {"N": -1}:
        raise CannotBroadcast(site["name"])


def enumerate_site(latent: Site, earlier: int) -> BackendArray:
    """All values of a discrete latent of the rows, left of the rows and of ``earlier`` others."""
    fn = latent["fn"]
    if not fn.has_enumerate_support:
        raise refusals.vector(latent["name"]) if fn.event_shape else refusals.infinite_support(latent["name"])
    try:
        values = fn.enumerate_support(expand=False)
    except NotImplementedError:
        raise refusals.vector(latent["name"]) from None
    return values.reshape(len(values), *(1,) * (earlier + 1), *latent["fn"].event_shape)


def draw_site(latent: Site, earlier: int) -> None:
    """No value for any site, so that each is drawn."""
