"""Evaluation of an amortised guide: its bound and the KL divergence of each latent, from one draw of each row.

Each ``in_<backend>.py`` provides

    evaluate(program, guide, [params, key,] inputs)      (ELBO, {latent: KL divergence}) in nats, for all N rows
    codes(program, guide, [params, key,] inputs)         RowCodes of the rows, or None

The draw is that of the bound under ``inference.objectives.EVALUATION`` where the guide draws nothing discrete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from inference.objectives import draws
from inference.objectives.codes import code_parameters, without_wrappers
from inference.objectives.densities import LogDensities, SiteLog
from inference.objectives.sites import Run, Site, is_in_rows
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


class RowCodes(NamedTuple):
    """The codes of some rows, for guides with one latent of the rows that is normal with independent numbers.

    Attributes
    ----------
    mean, sd : array
        Of q(z | x), (B, Z).
    kl : array
        The KL divergence of q(z | x) from p(z) in nats, (B,): in closed form where there is one, else by one draw.
    kl_by_dimension : array or None
        The same for each number, (B, Z). None where the numbers are not independent in the prior.
    """

    mean: BackendArray
    sd: BackendArray
    kl: BackendArray
    kl_by_dimension: BackendArray | None


class EvaluatedDraws(draws.BoundDraws):
    """One draw of a guide, with its bound and the KL divergence of each latent; a backend adds the rest.

    program_run, logs: the last run of the program, and its log densities.
    """

    program_run: Run
    logs: LogDensities
    functions: Any  # of the backend

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

    def codes(self, run: Run) -> RowCodes | None:
        """The codes of the rows; None where they are several latents, discrete or not normal."""
        local = [n for n, s in run.latents.items() if is_in_rows(s)]
        parameters = code_parameters(run.latents[local[0]], self.functions) if len(local) == 1 else None
        self.terms(run)
        if parameters is None or local[0] not in self.logs.prior:
            return None
        site, prior = run.latents[local[0]], self.program_run.latents[local[0]]
        q, p = without_wrappers(site["fn"]), without_wrappers(prior["fn"])
        if p.event_shape:
            given_row, log_prior = (self.sum_sites([logs[local[0]]])[0] for logs in (self.logs.guide, self.logs.prior))
            return RowCodes(*parameters, given_row - log_prior, None)
        try:
            kl = self.formula(q, p)
        except NotImplementedError:
            kl = q.log_prob(site["value"]) - p.log_prob(site["value"])
        kl = self.broadcast_to(kl, site["value"].shape).reshape(parameters[0].shape)
        return RowCodes(*parameters, kl.sum(-1), kl)

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
