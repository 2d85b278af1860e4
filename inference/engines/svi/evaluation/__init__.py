"""Evaluation of an amortised guide: its bound and the KL divergence of each latent, from one draw of each row.

Each ``in_<backend>.py`` provides

    evaluate(program, guide, [params, key,] inputs)      (ELBO, {latent: KL divergence}) in nats, for all N rows

The draw is that of the bound under ``inference.objectives.EVALUATION`` where the guide draws nothing discrete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from inference.objectives import draws
from inference.objectives.densities import LogDensities, SiteLog
from inference.objectives.sites import Run, Site
from zoo.types import BackendArray


class Evaluation(NamedTuple):
    """The bound of an amortised guide, by one draw of each row.

    Attributes
    ----------
    elbo : float
        In nats per row.
    kl : dict of str to float
        For each latent its part of the KL divergence of the guide from the prior, in nats per row: in closed form
        where there is one, else the mean of log q - log p. A latent that rows share counts by 1/N.
    """

    elbo: float
    kl: dict[str, float]

    @classmethod
    def mean(cls, parts: Iterable[tuple[float, Mapping[str, float]]], num_rows: int) -> Evaluation:
        """The mean of evaluations (ELBO, KL by latent) in nats for all ``num_rows`` rows.

        Examples
        --------
        >>> Evaluation.mean([(-2.0, {"z": 4.0}), (-4.0, {"z": 8.0})], 2)
        Evaluation(elbo=-1.5, kl={'z': 3.0})
        """
        elbos, kls = zip(*parts, strict=True)
        kl = {n: float(np.mean([float(part[n]) for part in kls])) / num_rows for n in kls[0]}
        return cls(float(np.mean([float(v) for v in elbos])) / num_rows, kl)


class EvaluatedDraws(draws.BoundDraws):
    """One draw of a guide, with its bound and the KL divergence of each latent; a backend adds the rest.

    program_run, logs: the last run of the program, and its log densities.
    """

    program_run: Run
    logs: LogDensities

    def evaluate(self, run: Run) -> tuple[BackendArray, dict[str, BackendArray]]:
        """The ELBO and the KL divergence of each latent at a run of the guide, scalars in nats for all N rows."""
        rows, rest = self.terms(run)
        probability = rows["probability"]

        def total(rows_and_rest: tuple[BackendArray, BackendArray]) -> BackendArray:
            log, others = rows_and_rest
            if probability is not None:  # a value without probability counts for nothing
                log = (probability * self.where(probability > 0, log)).sum(-2)
            return self.scale * log.sum() + others

        def kl_of(name: str) -> BackendArray:
            if name in formulae:
                return total(self.sum_sites([formulae[name]]))
            prior = [self.logs.prior[name]] if name in self.logs.prior else []  # a help variable has none
            return total(self.sum_sites([self.logs.guide[name]])) - total(self.sum_sites(prior))

        latents = run.latents
        formulae: dict[str, SiteLog] = self.analytic_kl(
            self.program_run.latents, latents, self.formula, self.enumerated_latents
        )
        elbo = total((rows["likelihood"] - rows["kl"], rest["likelihood_rest"] - rest["kl_rest"]))
        return elbo, {n: kl_of(n) for n in latents}

    def run_program(self, guide_run: Run, values: Mapping[str, BackendArray]) -> Run:
        """As in the base class; remembers the run."""
        self.program_run = super().run_program(guide_run, values)
        return self.program_run

    def log_densities(
        self, program: Run, guide: Mapping[str, Site], values: Mapping[str, BackendArray], without: Collection[str] = ()
    ) -> LogDensities:
        """As in the base class; remembers the log densities."""
        self.logs = super().log_densities(program, guide, values, without)
        return self.logs
