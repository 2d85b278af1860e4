"""Log densities of a program and a guide at the guide's draws, by draw, class and row.

Training and the evaluation of amortised fits both compute the terms of the ELBO from ``GuideAndProgram``: training in
``inference.objectives.draws``, the evaluation in ``inference.amortised.draws``. A backend adds the abstract methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from inference.objectives import refusals
from inference.objectives.sites import Run, Site, is_in_rows, multiply, plate_dims, site_scale
from zoo.types import BackendArray, Program

SiteLog: TypeAlias = tuple[Site, BackendArray]  # a site and its log density


class LogDensities(NamedTuple):
    """Log densities in nats of the sites of one run, masked; neither scaled nor summed over plates."""

    likelihood: list[SiteLog]
    prior: dict[str, SiteLog]
    guide: dict[str, SiteLog]


class GuideAndProgram(ABC):
    """A guide and a program with their inputs.

    sample_shape: (K,) where one run holds K draws of the latents of the rows as a leading dimension, else (). sizes:
    the numbers of values of the discrete latents of the rows that one run enumerates, as dimensions to the left of the
    rows. scale: N / B of the last run.
    """

    scale: float = 1.0
    rows: int = 1  # B
    sizes: tuple[int, ...] = ()

    def __init__(
        self, program: Program, guide: Program, inputs: dict[str, BackendArray], sample_shape: tuple[int, ...] = ()
    ):
        self.program, self.guide, self.inputs, self.sample_shape = program, guide, inputs, sample_shape

    def run_program(self, guide_run: Run, values: Mapping[str, BackendArray]) -> Run:
        """Run the program with its latents at ``values``, unless the guide has done so.

        Raises ZooError for a latent that the guide does not have.
        """
        shared = Run(dict(guide_run.shared), guide_run.plate)
        is_at_values = shared.sites and all(values.get(n) is s["value"] for n, s in shared.latents.items())
        run = shared if is_at_values else self.run(self.program, values, through=guide_run.through)
        refusals.check_sites(list(run.latents), list(guide_run.latents))
        N, self.rows = run.plate or guide_run.plate or (1, 1)
        self.scale = N / self.rows
        return run

    def log_densities(
        self, program: Run, guide: Mapping[str, Site], values: Mapping[str, BackendArray], without: Collection[str] = ()
    ) -> LogDensities:
        """Log densities of the observed sites, of the prior and of the guide at ``values``.

        without: latents that are left out.
        """
        return LogDensities(
            [(s, self.log_of(s, s["value"])) for s in program.observed.values()],
            {n: (s, self.log_of(s, values[n])) for n, s in program.latents.items() if n not in without},
            {n: (s, self.log_q(s, values[n])) for n, s in guide.items() if n not in without},
        )

    def log_q(self, site: Site, value: BackendArray) -> BackendArray:
        """The guide's log density at a value of one of its sites."""
        # a point has its density where the guide puts it, which may differ from the value by rounding
        return self.log_of(site, self.point_of(site["fn"]) if self.is_point(site["fn"]) else value)

    def analytic_kl(
        self,
        prior: Mapping[str, Site],
        guide: Mapping[str, Site],
        formula: Callable[[BackendArray, BackendArray], BackendArray],
        without: Collection[str] = (),
    ) -> dict[str, SiteLog]:
        """``{latent: (site, KL(q || p))}`` for the latents that ``formula(q, p)`` covers, but for those ``without``.

        ``formula`` raises NotImplementedError for others, and those stay sampled.
        """
        kl = {}
        for name in refusals.with_formula(list(prior), list(guide)):
            p, q = prior[name], guide[name]
            if name in without or self.is_point(q["fn"]) or is_in_rows(p) != is_in_rows(q):
                continue
            with suppress(NotImplementedError):
                kl[name] = p, formula(q["fn"], p["fn"])
        return kl

    def sum_sites(self, logs: Iterable[SiteLog]) -> tuple[BackendArray, BackendArray]:
        """The sum of log densities over sites: ``(those of the rows, the rest)``.

        Those of the rows are (B,) or (E, B) to the right of ``sample_shape``; the rest is a scalar.
        """
        rows = rest = None
        for site, log in logs:
            if is_in_rows(site):
                log = self.by_row(site, log)
                rows = log if rows is None else rows + log
            else:
                log = self.outside_rows(site, log)
                rest = log if rest is None else rest + log
        shape = *self.sample_shape, *self.sizes, self.rows
        rows = self.zeros(shape) if rows is None else self.broadcast_to(rows, shape)
        if len(self.sizes) > 1:
            rows = rows.reshape(*self.sample_shape, -1, self.rows)
        return rows, self.zeros(()) if rest is None else rest

    def by_row(self, site: Site, log: BackendArray) -> BackendArray:
        """The log density of a site in the plate N, summed over the site's other plates; rows are last."""
        log = multiply(site_scale(site) / self.scale, log)  # without the scale of the batch
        dims = plate_dims(site)
        others = tuple(d for d in range(max(min(dims.values()), -log.ndim), 0) if d != dims["N"])
        return log.sum(others) if others else log

    def outside_rows(self, site: Site, log: BackendArray) -> BackendArray:
        """The log density of a site outside the plate N, summed."""
        return multiply(site_scale(site), log.sum())

    @abstractmethod
    def run(
        self,
        program: Program,
        values: Mapping[str, BackendArray],
        stopped: bool = False,
        through: Mapping[str, BackendArray] | None = None,
    ) -> Run:
        """One run with latents at ``values``; where ``stopped``, parameters have no gradients.

        through: by deterministic site, what has the gradient that reaches it.
        """

    @abstractmethod
    def log_of(self, site: Site, value: BackendArray) -> BackendArray:
        """The site's log density at ``value``, masked but not scaled."""

    @abstractmethod
    def is_point(self, distribution: BackendArray) -> bool:
        """Whether a distribution is a Delta."""

    @abstractmethod
    def point_of(self, distribution: BackendArray) -> BackendArray:
        """The only value of a Delta."""

    @abstractmethod
    def broadcast_to(self, array: BackendArray, shape: tuple[int, ...]) -> BackendArray:
        """The array broadcast to a shape."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...]) -> BackendArray:
        """Zeros of a shape."""
