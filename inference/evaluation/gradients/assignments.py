"""The ELBO of a guide with discrete latents as a sum over their values: what estimators of its gradient estimate.

An assignment gives every discrete latent of the guide a value, the same one in every row. The rows are independent
given what is outside of them, so that the ELBO is the sum over assignments y of q(y) times the terms of each row and of
the rest, and q(y) is by row. Continuous latents are drawn anew for each assignment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.objectives.draws import BoundDraws
from inference.objectives.sites import Run, Site, is_in_rows, plate_dims
from zoo.types import BackendArray

MAX_ASSIGNMENTS = 4096  # of one row together with what is outside the rows


@dataclass(frozen=True)
class DiscreteLatent:
    """The values of a discrete latent of the guide.

    num_values: of one element. num_elements: those of one row, or of all where it is outside of the rows. shape: that
    of a draw. row_axis: the dimension of the rows, or None.
    """

    name: str
    num_values: int
    num_elements: int
    shape: tuple[int, ...]
    row_axis: int | None

    @classmethod
    def from_site(cls, site: Site, base: BackendArray) -> DiscreteLatent:
        """base: the distribution of one element. Its values are ``support_of(base)``."""
        shape = tuple(site["value"].shape)
        row_axis = len(shape) - site["fn"].event_dim + plate_dims(site)["N"] if is_in_rows(site) else None
        others = math.prod(n for i, n in enumerate(shape) if i != row_axis)
        return cls(site["name"], len(support_of(base)), others // math.prod(base.event_shape), shape, row_axis)

    @property
    def num_assignments(self) -> int:
        """The number of values of all elements together."""
        return self.num_values**self.num_elements

    def value(
        self,
        support: BackendArray,
        digits: BackendArray,
        broadcast_to: Callable[[BackendArray, tuple[int, ...]], BackendArray],
    ) -> BackendArray:
        """The value of which each element is that of its digit in ``support``, equal in all rows."""
        shape = [1 if i == self.row_axis else n for i, n in enumerate(self.shape)]
        return broadcast_to(support[digits].reshape(shape), self.shape)


def support_of(base: BackendArray) -> BackendArray:
    """The values of one element, (E, ...)."""
    values = base.enumerate_support(expand=False)
    return values.reshape(len(values), *base.event_shape)


def has_finite_support(base: BackendArray) -> bool:
    """Whether a distribution of one element has values that can be listed."""
    return bool(base.support.is_discrete and base.has_enumerate_support)


def count_assignments(latents: Sequence[DiscreteLatent]) -> int:
    """The number of assignments of all latents together."""
    return math.prod(latent.num_assignments for latent in latents)


def list_assignments(latents: Sequence[DiscreteLatent]) -> np.ndarray:
    """The digit of each element in each assignment, (assignments, elements)."""
    sizes = [latent.num_values for latent in latents for _ in range(latent.num_elements)]
    return np.stack(np.unravel_index(np.arange(math.prod(sizes)), sizes), axis=1).astype(np.int32)


def split_digits(latents: Sequence[DiscreteLatent], digits: BackendArray) -> dict[str, BackendArray]:
    """The digits of one assignment by latent."""
    parts, first = {}, 0
    for latent in latents:
        parts[latent.name] = digits[first : first + latent.num_elements]
        first += latent.num_elements
    return parts


def assignment_term(pair: BoundDraws, run: Run, latents: Sequence[DiscreteLatent], beta: float) -> BackendArray:
    """What one assignment adds to the ELBO, for all N rows: its probability times the terms there.

    run: of the guide, with its discrete latents at the assignment.
    """
    sites: Mapping[str, Site] = run.latents
    rows, rest = pair.terms(run)
    log_rows, log_rest = pair.sum_sites((sites[n], pair.log_of(sites[n], sites[n]["value"])) for n in names_of(latents))
    outside = pair.exp(log_rest)
    weight = pair.exp(log_rows) * outside
    # terms outside of the rows are repeated in the assignments that differ in the rows alone
    outside = outside / math.prod(latent.num_assignments for latent in latents if latent.row_axis is not None)
    value = weight * pair.where(weight > 0, rows["likelihood"] - beta * rows["kl"])
    total = pair.scale * value.sum() + outside * (rest["likelihood_rest"] - beta * rest["kl_rest"])
    if run.observed:  # factors of the guide
        factors, factors_rest = pair.sum_sites((s, pair.log_of(s, s["value"])) for s in run.observed.values())
        total = total - pair.scale * (weight * factors).sum() - outside * factors_rest
    return total


def names_of(latents: Sequence[DiscreteLatent]) -> list[str]:
    """The names of the latents."""
    return [latent.name for latent in latents]
