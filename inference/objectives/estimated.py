"""Bounds of a guide whose discrete latents are drawn: its draws, and the term that makes their gradient right.

The value of the bound is the mean over draws, whose derivative has no part for those that are discrete. A surrogate,
with value 0 and that part as its derivative, is added. The signal of a latent of the rows has the terms of its own row
alone; that of another latent has all terms.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from inference.objectives import BoundTerms, Objective
from inference.objectives.choice import choose_estimators
from inference.objectives.densities import LogDensities
from inference.objectives.draws import Arrays, BoundDraws
from inference.objectives.estimators import AntitheticEstimator, ArrayFunctions, Estimator, ScoreEstimator
from inference.objectives.estimators.straight_through import StraightThrough
from inference.objectives.sites import Run, Site, enumerate_site, is_in_rows
from zoo.types import BackendArray, Program


class Draw(NamedTuple):
    """One draw of all latents of the guide, or K of them with one more dimension to the left.

    rows, rest: terms of the bound, as ``BoundDraws.terms`` gives them. scores: log q of each site with a
    ``ScoreEstimator``, by row or a scalar. others: the terms of the coupled draw for each site with an
    ``AntitheticEstimator``. slopes: for each of these the sum of slope times logit, likewise.
    """

    rows: Arrays
    rest: Arrays
    scores: Arrays
    others: list[tuple[Arrays, Arrays]]
    slopes: Arrays


class EstimatedDraws(BoundDraws):
    """The draws of a guide with an estimator for each discrete latent that is not enumerated.

    functions: the backend's ``inference.objectives.estimators.in_<backend>``.
    """

    functions: Any

    def __init__(self, program: Program, guide: Program, inputs: Arrays, objective: Objective, first: Run):
        latents = first.latents
        self.estimators = choose_estimators(objective, latents, first.enumerated, self.functions.kind_of)
        super().__init__(program, guide, inputs, objective, first)
        self.is_local = {n: is_in_rows(latents[n]) for n in self.estimators}
        # iwae weighs each row by itself, so that what rows share is the same for all draws
        is_shared = objective.name == "iwae" and self.has_local_latents
        self.shared = {n: s["value"] for n, s in latents.items() if is_shared and not is_in_rows(s)}
        self.num_draws = max([objective.num_particles, *(e.min_particles for e in self.estimators.values())])
        self.uniforms: Arrays = {}

    def of_kind(self, kind: type[Estimator]) -> dict[str, Any]:
        """The estimators of some kind by site."""
        return {n: e for n, e in self.estimators.items() if isinstance(e, kind)}

    def draw_all(self, key: BackendArray = None) -> Draw:
        """Draw every latent, and once more those from each antithetic site on."""
        run = self.draw_run(key, self.shared)
        uniforms, (rows, rest) = self.uniforms, self.terms(run)
        scores = {n: self.own_part(run.latents[n]) for n in self.of_kind(ScoreEstimator)}
        values = {n: s["value"] for n, s in run.latents.items()}
        others, slopes = [], {}
        for i, (name, estimator) in enumerate(self.of_kind(AntitheticEstimator).items()):
            site, u = run.latents[name], uniforms[name]
            logit = self.functions.logits_of(site["fn"])
            p = self.detach(self.functions.sigmoid(logit))
            other = (u < p) * 1.0
            before = dict(list(values.items())[: list(values).index(name)])
            # random numbers of its own: later latents must not depend on the numbers of earlier ones
            again = self.draw_run(self.functions.next_key(key, i), {**before, name: self.functions.as_value(other)})
            others.append(self.terms(again))
            slope = estimator.slope(u, p, (u > 1 - p) * 1.0, other)
            event = tuple(range(-site["fn"].event_dim, 0))
            slopes[name] = self.own_part(site, (slope * logit).sum(event) if event else slope * logit)
        return Draw(rows, rest, scores, others, slopes)

    def fill_with(self, key: BackendArray = None) -> Callable[[Site, int], BackendArray]:
        """A function that gives enumerated, antithetic and straight-through sites their values in one run."""
        self.uniforms = {}
        enumerated: list[str] = []

        def fill(site: Site, earlier: int) -> BackendArray:
            estimator = self.estimators.get(site["name"])
            if site["name"] in self.enumerated_latents:
                enumerated.append(site["name"])
                return enumerate_site(site, len(enumerated) - 1)
            if not isinstance(estimator, AntitheticEstimator | StraightThrough):
                return None
            p = self.functions.sigmoid(self.functions.logits_of(site["fn"]))
            number = list(self.estimators).index(site["name"])
            u = self.uniforms[site["name"]] = self.functions.uniform(key, number, p.shape)
            b = (u > 1 - self.detach(p)) * 1.0
            return b + p - self.detach(p) if isinstance(estimator, StraightThrough) else self.functions.as_value(b)

        return fill

    def log_densities(
        self, program: Run, guide: Mapping[str, Site], values: Mapping[str, BackendArray], without: Collection[str] = ()
    ) -> LogDensities:
        """As in the base class; for ``elbo``, log q of a draw is in its signal, and has no gradient of its own."""
        logs = super().log_densities(program, guide, values, without)
        if self.objective.name == "elbo":
            for name in {**self.of_kind(ScoreEstimator), **self.of_kind(AntitheticEstimator)}:
                if name in logs.guide:
                    site, log = logs.guide[name]
                    logs.guide[name] = site, self.detach(log)
        return logs

    def own_part(self, site: Site, log: BackendArray = None) -> BackendArray:
        """log q of a site, or ``log`` in its place: by row, or a scalar for a site outside of the rows."""
        log = self.log_of(site, site["value"]) if log is None else log
        return self.sum_sites([(site, log)])[0 if is_in_rows(site) else 1]

    def bound_terms(self, draws: Draw) -> BoundTerms:
        """The terms of all draws, coupled ones included: each is a draw of the guide."""
        pairs = [(draws.rows, draws.rest), *draws.others]
        join = self.functions.concatenate
        rows, rest = (  # an analytic KL leaves no prior and no guide
            {n: join([pair[i][n] for pair in pairs]) if v is not None else v for n, v in part.items()}
            for i, part in enumerate(pairs[0])
        )
        extra: BackendArray = rows.pop("extra")
        if self.has_local_latents:
            rest = {n: v.mean() if v is not None else v for n, v in rest.items()}
        return BoundTerms(**rows, **rest, extra=extra.mean(), scale=self.scale)

    def surrogate(self, draws: Draw, beta: BackendArray, arrays: ArrayFunctions) -> BackendArray:
        """The term with the derivatives of K discrete draws; its value is 0."""
        total, f = self.zeros(()), self.objective_of(draws.rows, draws.rest, beta)
        for name, estimator in self.of_kind(ScoreEstimator).items():
            is_local = self.is_local[name]
            if self.objective.name == "iwae":
                signal = estimator.signal_of_weights(f[is_local], arrays) * self.num_draws
            else:
                signal = estimator.signal(f[is_local])
            total = total + self.sum_rows(is_local, self.detach(signal) * draws.scores[name], draws.rows)
        for (name, slope), (rows, rest) in zip(draws.slopes.items(), draws.others, strict=True):
            is_local = self.is_local[name]
            difference = f[is_local] - self.objective_of(rows, rest, beta)[is_local]
            total = total + self.sum_rows(is_local, self.detach(difference) * slope, draws.rows)
        return total - self.detach(total)

    def objective_of(self, rows: Arrays, rest: Arrays, beta: BackendArray) -> dict[bool, BackendArray]:
        """The objective at each draw: of each row, (K, [E,] B), under True, and of all data, (K,), under False."""
        of_rows = rows["likelihood"] - beta * rows["kl"]
        total = self.total_of_rows(of_rows, rows) + rest["likelihood_rest"] - beta * rest["kl_rest"]
        return {True: of_rows, False: total}

    def total_of_rows(self, array: BackendArray, rows: Arrays) -> BackendArray:
        """(K,): the sum over all rows, of which these are a batch, in the mean over enumerated values."""
        if rows["probability"] is not None:
            array = (self.detach(rows["probability"]) * array).sum(-2)
        return self.scale * array.sum(-1)

    def sum_rows(self, is_local: bool, array: BackendArray, rows: Arrays) -> BackendArray:
        """The mean over draws of an array (K, [E,] B) summed over all rows, or of (K,)."""
        return (self.total_of_rows(array, rows) if is_local else array).mean()

    @abstractmethod
    def draw_run(self, key: BackendArray, values: Arrays) -> Run:
        """A run of the guide with some latents at values."""
