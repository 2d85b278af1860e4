"""What both backends say of a sample statement, read alike."""

from __future__ import annotations

from typing import Any, NamedTuple

from inference.objectives import refusals

Site = dict[str, Any]  # what both backends say of a sample statement


class Run(NamedTuple):
    """The sample sites of one run, by name, and ``(N, B)`` of its plate N."""

    sites: dict[str, Site]
    plate: tuple[int, int] | None

    @property
    def latents(self) -> dict[str, Site]:
        return {n: s for n, s in self.sites.items() if not s["is_observed"]}

    @property
    def observed(self) -> list[Site]:
        return [s for s in self.sites.values() if s["is_observed"]]


class OneByOne(Exception):
    """These draws cannot stand side by side in one run."""


def scale_of(site: Site) -> Any:
    return 1.0 if site["scale"] is None else site["scale"]


def times(scale: Any, log: Any) -> Any:
    return log if isinstance(scale, int | float) and scale == 1 else scale * log


def in_rows(site: Site) -> bool:
    return any(f.name == "N" for f in site["cond_indep_stack"])


def is_exact(latent: Site) -> bool:
    """Whether it takes every value instead of being drawn."""
    return in_rows(latent) and latent["fn"].support.is_discrete


def every_value(latent: Site, before: int) -> Any:
    """All values of a discrete latent of the rows, to the left of the rows and of ``before`` others."""
    if not latent["fn"].has_enumerate_support:
        raise refusals.endless(latent["name"])
    values = latent["fn"].enumerate_support(expand=False)
    return values.reshape(len(values), *(1,) * (before + 1), *latent["fn"].event_shape)
