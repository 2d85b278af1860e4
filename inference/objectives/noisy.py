"""Runs of a guide whose discrete sites are drawn from noise, hard or relaxed, and the densities at such draws."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self, TypeVar

from inference.objectives import Objective
from inference.objectives.choice import choose_estimators
from inference.objectives.densities import LogDensities
from inference.objectives.discrete_values import DiscreteValues, NoisyDraw
from inference.objectives.draws import Arrays, BoundDraws
from inference.objectives.estimators import Estimator
from inference.objectives.forms import Relax, RelaxedEstimator
from inference.objectives.refusals import with_formula
from inference.objectives.sites import Run, Site, is_in_rows
from inference.objectives.supports import SUPPORTS
from zoo.types import BackendArray, Program

Kind = TypeVar("Kind", bound=Estimator)


class NoisyDraws(BoundDraws):
    """Runs of a guide with an estimator for each discrete latent that is not enumerated.

    functions: the backend's ``inference.objectives.estimators.in_<backend>``. noise: of the last run, by site. relax:
    the value of discrete latents in runs for a control variate; None otherwise.
    """

    functions: Any
    relax: Relax | None = None

    def __init__(
        self,
        program: Program,
        guide: Program,
        inputs: Arrays,
        objective: Objective,
        first: Run,
        beta: BackendArray = 1.0,
        fraction: BackendArray = 1.0,
        sample_shape: tuple[int, ...] = (),
    ):
        latents = first.latents
        self.estimators = choose_estimators(objective, latents, first.enumerated, self.functions.kind_of)
        super().__init__(program, guide, inputs, objective, first, sample_shape)
        self.beta, self.fraction = beta, fraction
        kinds = {n: self.functions.kind_of(latents[n]["fn"]) for n in self.estimators}
        self.supports = {n: SUPPORTS[kind](self.functions) for n, kind in kinds.items() if kind in SUPPORTS}
        self.is_local = {n: is_in_rows(latents[n]) for n in self.estimators}
        self.noise: dict[str, NoisyDraw] = {}

    def of_kind(self, kind: type[Kind]) -> dict[str, Kind]:
        """The estimators of some kind by site."""
        return {n: e for n, e in self.estimators.items() if isinstance(e, kind)}

    def fill_with(self, key: BackendArray = None) -> DiscreteValues:
        """The values of discrete sites in one run, whose noise is then ``noise``."""
        fill = DiscreteValues(self.objective, self.functions, self.fraction, key, self.sample_shape, self.relax)
        self.noise = fill.noise
        return fill

    def log_densities(
        self, program: Run, guide: Mapping[str, Site], values: Mapping[str, BackendArray], without: Collection[str] = ()
    ) -> LogDensities:
        """As in the base class, for relaxed values too."""
        logs = super().log_densities(program, guide, values, without)
        return relax_densities(self, logs, values, self.supports if self.relax else self.of_kind(RelaxedEstimator))

    def objective_of(self, rows: Arrays, rest: Arrays, name: str) -> BackendArray:
        """The objective at each draw of a site: of each row, (K, [E,] B), if the site has rows, else of all, (K,)."""
        of_rows = rows["likelihood"] - self.beta * rows["kl"]
        if self.is_local[name]:
            return of_rows
        return self.total_of_rows(of_rows, rows) + rest["likelihood_rest"] - self.beta * rest["kl_rest"]

    def total_of_rows(self, array: BackendArray, rows: Arrays) -> BackendArray:
        """(K,): the sum over all rows, of which these are a batch, in the mean over enumerated values."""
        if rows["probability"] is not None:
            array = (self.detach(rows["probability"]) * array).sum(-2)
        return self.scale * array.sum(-1)

    def frozen(self, relax: Relax) -> Self:
        """These draws with relaxed values, and parameters without gradients."""
        frozen = copy.copy(self)
        frozen.relax = relax
        frozen.freeze()
        return frozen

    @abstractmethod
    def freeze(self) -> None:
        """Let the parameters have no gradients."""

    @abstractmethod
    def draw_run(self, key: BackendArray, values: Arrays) -> Run:
        """A run of the guide with some latents at values."""


def relax_densities(
    draws: NoisyDraws, logs: LogDensities, values: Mapping[str, BackendArray], names: Collection[str]
) -> LogDensities:
    """The log densities with those of some sites at relaxed values.

    They are continued linearly from those of hard values; or that of the guide is the KL divergence, and that of the
    program 0, where the estimator asks for a categorical KL and there is a formula; or they are of relaxed values.
    """
    closed = with_formula(list(logs.prior), list(logs.guide)) if draws.objective.name == "elbo" else []
    for name in names:
        if name in logs.prior:
            estimator = None if draws.relax else draws.estimators[name]
            density = estimator.density if isinstance(estimator, RelaxedEstimator) else "linear"
            if density == "categorical" and name not in closed:
                density = "linear"
            (p, _), (q, _) = logs.prior[name], logs.guide[name]
            log_p, log_q = relaxed_logs(draws, density, p, q, values[name])
            logs.prior[name], logs.guide[name] = (p, log_p), (q, log_q)
    return logs


def relaxed_logs(
    draws: NoisyDraws, density: str, p: Site, q: Site, value: BackendArray
) -> tuple[BackendArray, BackendArray]:
    """The log densities of a site under program and guide, in nats; for "categorical" 0 and the KL divergence."""
    support, within = draws.supports[p["name"]], draws.functions.within
    logits_p, logits_q = within(p["fn"]).logits, within(q["fn"]).logits

    def log_of(site: Site, function: Callable[[BackendArray], BackendArray]) -> BackendArray:
        return draws.log_of({**site, "fn": with_log_prob(site["fn"], function)}, value)

    if density == "relaxed":
        noisy = draws.noise[p["name"]]
        temperature = draws.zeros(()) + noisy.temperature
        return (
            log_of(p, lambda value: support.log_density(logits_p, noisy.z, temperature)),
            log_of(q, lambda value: support.log_density(logits_q, noisy.z, temperature)),
        )
    if density == "categorical":
        kl = log_of(q, lambda value: support.kl(logits_q, logits_p))
        return 0.0 * kl, kl
    return (
        log_of(p, lambda value: support.log_prob(logits_p, value)),
        log_of(q, lambda value: support.log_prob(logits_q, value)),
    )


def with_log_prob(distribution: BackendArray, function: Callable[[BackendArray], BackendArray]) -> BackendArray:
    """A distribution whose innermost one, without ``to_event``, masks and expansions, has another log density."""
    changed = copy.copy(distribution)
    if hasattr(changed, "base_dist"):
        changed.base_dist = with_log_prob(changed.base_dist, function)
    else:
        changed.log_prob = function
    return changed
