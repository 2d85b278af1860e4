"""Diagnostics: a typed record for each kind of result, which also reads as a mapping of what is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

REWEIGHTED = ", reweighted"  # after the engine of a guide whose draws were resampled
FitKind = Literal["chains", "guide", "point", "amortised"]


@dataclass(frozen=True, kw_only=True, eq=False)  # equal as mappings are: fields may be arrays
class Diagnostics(Mapping[str, Any]):
    """What a run tells of itself. A field that is None has nothing to tell, and is no key of the mapping.

    converged: whether the objective stopped rising; None where the engine has no such rule. binarisation: of binary
    pixels, "static" (zeros and ones as given), "one draw" (of intensities) or "dynamic" (a draw for each step).
    """

    kind: ClassVar[FitKind] = "point"

    converged: bool | None = None
    start: str | None = None
    binarisation: Literal["static", "one draw", "dynamic"] | None = None

    def __getitem__(self, name: str) -> Any:
        value = getattr(self, name, None) if name in self._names() else None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names() if getattr(self, name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @classmethod
    def _names(cls) -> list[str]:
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def required(cls) -> set[str]:
        """The names of the fields without a default."""
        return {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """The record of saved values; names of an older version that are no field any more are left out."""
        return cls(**{name: values[name] for name in cls._names() if name in values})

    def replace(self, **changes: object) -> Self:
        """The record with some fields changed."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalChains(Diagnostics):
    """Diagnostics of chains made elsewhere; what was not recorded is None.

    Attributes
    ----------
    divergences : int or None
        Number of divergent transitions after warm-up.
    divergences_by_chain : list of int or None
        The same for each chain.
    e_bfmi : list of float or None
        Energy Bayesian fraction of missing information of each chain.
    """

    kind: ClassVar[FitKind] = "chains"

    divergences: int | None = None
    divergences_by_chain: list[int] | None = None
    e_bfmi: list[float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalGuide(Diagnostics):
    """Diagnostics of a guide trained elsewhere; what was not recorded is None.

    Attributes
    ----------
    guide : str or None
        The name of the guide.
    elbo, elbo_se : float or None
        The ELBO in nats, the mean of log p - log q, and its Monte Carlo standard error.
    """

    kind: ClassVar[FitKind] = "guide"

    guide: str | None = None
    elbo: float | None = None
    elbo_se: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportanceDiagnostics(Diagnostics):
    """Diagnostics of draws of a guide that were resampled by importance weights.

    Attributes
    ----------
    guide : str or None
        The name of the guide.
    k_hat : float
        Pareto k-hat of the weights log p - log q.
    num_weights : int
        How many draws of the guide were weighed.
    effective_draws : float
        How many independent draws the weights leave, 1 / sum of their squares.
    distinct_draws : int
        How many of the draws of the fit are not copies of another.
    bound, bound_se : float
        The log of the mean weight in nats, which estimates the log evidence from below, and its standard error.
    is_new : bool
        Whether the draws were made for this, or are those that the fit had.
    resampling_seed : int
        The seed of the resampling, and of new draws.
    other_modes : float, optional
        As of the guide: the part of the posterior mass in modes that the guide is not about.
    """

    kind: ClassVar[FitKind] = "guide"

    guide: str | None = None
    k_hat: float
    num_weights: int
    effective_draws: float
    distinct_draws: int
    bound: float
    bound_se: float
    is_new: bool
    resampling_seed: int
    other_modes: float | None = None


WITHOUT_ENGINE = (ExternalChains, ExternalGuide, ImportanceDiagnostics)
