"""Draws of a guide in training, and the terms of the bound at them."""

from __future__ import annotations

import math
from abc import abstractmethod

from inference.objectives import Objective, refusals
from inference.objectives.densities import GuideAndProgram, LogDensities, SiteLog
from inference.objectives.sites import (
    CannotBroadcast,
    Run,
    Site,
    check_broadcast,
    is_in_rows,
    numbers_in_row,
    plate_dims,
)
from zoo.types import BackendArray, Program

Arrays = dict[str, BackendArray]


class BoundDraws(GuideAndProgram):
    """The draws of a guide, of which a first run shows the latents, and the terms of a bound at them.

    enumerated_latents: discrete latents of the rows, which take each of their values. sampled_latents: those with K
    draws. fixed: the values of the others, one for all K draws. group_sizes: numbers of each latent of the rows in a
    row, where the objective needs them.
    """

    group_sizes: tuple[int, ...] | None = None

    def __init__(
        self,
        program: Program,
        guide: Program,
        inputs: Arrays,
        objective: Objective,
        first: Run,
        sample_shape: tuple[int, ...] = (),
    ):
        super().__init__(program, guide, inputs, sample_shape)
        self.objective = objective
        latents = first.latents
        self.enumerated_latents = list(first.enumerated)
        self.has_local_latents = any(map(is_in_rows, latents.values()))
        self.sampled_latents = [
            n
            for n, s in latents.items()
            if n not in self.enumerated_latents and (is_in_rows(s) or not self.has_local_latents)
        ]
        self.fixed = {n: s["value"] for n, s in latents.items() if n not in self.sampled_latents}
        self.sizes = tuple(len(latents[n]["value"]) for n in reversed(self.enumerated_latents))
        refusals.check_draws(objective, latents, self.enumerated_latents)
        if objective.has_groups and not self.has_local_latents:
            raise refusals.no_groups()

    def terms(self, run: Run, weight: BackendArray = None) -> tuple[Arrays, Arrays]:
        """Terms by name, of a run of the guide: ``(of the rows, and extra; of the rest)``.

        Arrays of the rows are (B,) or (E, B) to the right of ``sample_shape``, all others scalars. ``weight``, of the
        shape of the rows or a scalar where they have no latents, multiplies the gradient that reaches the draws.
        """
        latents = run.latents
        values = {n: s["value"] for n, s in latents.items()}
        if weight is not None:
            values |= {n: self.with_weight(values[n], weight, latents[n]) for n in self.sampled_latents}
        program = self.run_program(run, values)
        guide = self.run_stopped(values, weight).latents if self.objective.is_stopped else latents
        analytic = self.objective.kl == "analytic"
        formulae = self.analytic_kl(program.latents, guide, self.formula, self.enumerated_latents) if analytic else {}
        logs = self.log_densities(program, guide, values, formulae)
        likelihood = self.sum_sites(logs.likelihood)
        prior, log_q = self.sum_sites(logs.prior.values()), self.sum_sites(logs.guide.values())
        kl = tuple(q - p for p, q in zip(prior, log_q, strict=True))
        if analytic:
            kl = tuple(a + b for a, b in zip(kl, self.sum_sites(formulae.values()), strict=True))
            prior = log_q = None, None
        terms = {"likelihood": likelihood, "prior": prior, "guide": log_q, "kl": kl}
        rows, rest = {n: v[0] for n, v in terms.items()}, {f"{n}_rest": v[1] for n, v in terms.items()}
        probability = rows["probability"] = None
        if self.enumerated_latents:
            # masks and scales change what densities count for, and not how probable a value is
            discrete = [{**latents[n], "scale": self.scale} for n in self.enumerated_latents]
            probabilities = [(s, self.log_probability(s["fn"], values[s["name"]])) for s in discrete]
            probability = self.exp(self.sum_sites(probabilities)[0])
            # values without probability are infinitely improbable under the program too: they count for nothing, in
            # gradients as well
            rows = {n: None if a is None else self.where(probability > 0, a) for n, a in rows.items()}
            rows["probability"] = probability
        if self.objective.has_groups:
            rows["kl_groups"] = self.kl_of_groups(logs, formulae, probability)
        rows["extra"] = self.extra_of(run, probability) if run.observed else self.zeros(())
        return rows, rest

    def kl_of_groups(self, logs: LogDensities, formulae: dict[str, SiteLog], probability: BackendArray) -> BackendArray:
        """The KL of each latent of the rows that the program has too, with the latents in the last dimension."""
        sites = {n: s for n, (s, _) in {**logs.guide, **formulae}.items() if is_in_rows(s)}
        groups = [n for n in sites if n in logs.prior or n in formulae]
        self.group_sizes = tuple(numbers_in_row(sites[n]) for n in groups)
        kl = []
        for name in groups:
            if name in formulae:
                kl.append(self.sum_sites([formulae[name]])[0])
            else:
                kl.append(self.sum_sites([logs.guide[name]])[0] - self.sum_sites([logs.prior[name]])[0])
        if probability is not None:
            kl = [self.where(probability > 0, k) for k in kl]
        return self.stack_last(kl)

    def extra_of(self, run: Run, probability: BackendArray) -> BackendArray:
        """Minus the guide's factors and observed sites, for all N rows, in the mean over the discrete latents."""
        rows, rest = self.sum_sites((s, self.log_of(s, s["value"])) for s in run.observed.values())
        rows = rows if probability is None else probability * rows
        return -(self.scale / math.prod(self.sample_shape) * rows.sum() + rest)

    def run_stopped(self, values: Arrays, weight: BackendArray) -> Run:
        """Run the guide at its draws, with parameters that have no gradients."""
        if weight is not None:  # latents that rows share are then parameters of the latents of each row
            values = values | {n: self.detach(values[n]) for n in self.fixed}
        return self.run(self.guide, values, stopped=True)

    def by_row(self, site: Site, log: BackendArray) -> BackendArray:
        """As in the base class; draws and enumerated values may be dimensions only of sites in the plate N alone."""
        if self.sample_shape:
            check_broadcast(site)
        if self.enumerated_latents and plate_dims(site) != {"N": -1}:
            raise refusals.other_plates(site["name"])
        return super().by_row(site, log)

    def outside_rows(self, site: Site, log: BackendArray) -> BackendArray:
        """As in the base class; raises CannotBroadcast where there seems to be a value for each draw."""
        above = len(self.sizes) + 2
        if self.sample_shape and log.ndim >= above and log.shape[-above] == self.sample_shape[0]:
            raise CannotBroadcast(site["name"])
        return super().outside_rows(site, log)

    def align_weight(self, weight: BackendArray, site: Site) -> BackendArray:
        """``weight``, of one draw or of all that one run holds, with the dimensions of a site's value."""
        if not self.has_local_latents:
            return weight
        right = -plate_dims(site)["N"] - 1 + site["fn"].event_dim
        return weight.reshape(*self.sample_shape, *self.sizes, weight.shape[-1], *(1,) * right)

    @abstractmethod
    def log_probability(self, distribution: BackendArray, value: BackendArray) -> BackendArray:
        """The log probability of discrete values, without masks."""

    @abstractmethod
    def formula(self, q: BackendArray, p: BackendArray) -> BackendArray:
        """KL(q || p); raises NotImplementedError where the backend has no formula."""

    @abstractmethod
    def with_weight(self, value: BackendArray, weight: BackendArray, site: Site) -> BackendArray:
        """The value of a site, broadcast against ``weight``, which multiplies its gradient."""

    @abstractmethod
    def stack_last(self, arrays: list[BackendArray]) -> BackendArray:
        """Arrays as one, in a last dimension."""

    @abstractmethod
    def detach(self, value: BackendArray) -> BackendArray:
        """The value, without its gradient."""

    @abstractmethod
    def exp(self, array: BackendArray) -> BackendArray:
        """Its exponential."""

    @abstractmethod
    def where(self, condition: BackendArray, array: BackendArray) -> BackendArray:
        """The array where the condition holds, and 0 elsewhere."""
