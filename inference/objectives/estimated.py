"""Bounds of a guide whose discrete latents are drawn: its draws, and the term that makes their gradient right.

The value of the bound is the mean over draws, whose derivative has no part for those that are discrete. A surrogate,
with value 0 and that part as its derivative, is added. The signal of a latent of the rows has the terms of its own row
alone; that of another latent has all terms. Relaxed draws have a derivative of their own, and need no surrogate.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from inference.objectives import BoundTerms, EstimatorStates, Objective, learning
from inference.objectives.baselines import SignalInputs, Sizes
from inference.objectives.densities import LogDensities, SiteLog
from inference.objectives.draws import Arrays
from inference.objectives.forms import AntitheticEstimator, EvaluatingEstimator, ScoreEstimator
from inference.objectives.noisy import NoisyDraws
from inference.objectives.site_draw import SiteDraw
from inference.objectives.sites import Run, Site, is_in_rows, plate_dims
from zoo.types import BackendArray, Program


class Draw(NamedTuple):
    """One draw of all latents of the guide, or K of them with one more dimension to the left.

    rows, rest: terms of the bound, as ``BoundDraws.terms`` gives them. coupled: these terms at further draws of the
    guide. scores: log q of each site with a ``ScoreEstimator``, by row or a scalar. surrogates: the terms of sites with
    an ``EvaluatingEstimator``, likewise. slopes: the gradients by the states of these. features: data of the rows.
    """

    rows: Arrays
    rest: Arrays
    coupled: list[tuple[Arrays, Arrays]]
    scores: Arrays
    surrogates: Arrays
    slopes: EstimatorStates
    features: BackendArray | None


class EstimatedDraws(NoisyDraws):
    """The draws of a guide with an estimator for each discrete latent that is not enumerated.

    observed: the last run of the program. stacks_draws: whether two draws may be one more dimension of a run.
    """

    stacks_draws = False

    observed: Run | None

    def __init__(
        self,
        program: Program,
        guide: Program,
        inputs: Arrays,
        objective: Objective,
        first: Run,
        beta: BackendArray = 1.0,
        fraction: BackendArray = 1.0,
        state: EstimatorStates | None = None,
        sample_shape: tuple[int, ...] = (),
        key: BackendArray = None,
    ):
        super().__init__(program, guide, inputs, objective, first, beta, fraction, sample_shape)
        self.own_logs: dict[str, SiteLog] = {}
        self.state, self.state_key, self.observed = state or {}, key, None
        latents = first.latents
        # iwae weighs each row by itself, so that what rows share is the same for all draws
        is_shared = objective.name == "iwae" and self.has_local_latents
        self.shared = {n: s["value"] for n, s in latents.items() if is_shared and not is_in_rows(s)}
        self.units = {n: math.prod(latents[n]["fn"].event_shape) for n in self.estimators}
        self.num_draws = max([objective.num_particles, *(e.min_particles for e in self.estimators.values())])

    def draw_all(self, key: BackendArray = None, run: Run | None = None) -> Draw:
        """Draw every latent, unless there is a run with draws, and evaluate the bound where the estimators need it."""
        run = run or self.draw_run(key, self.shared)
        noise, (rows, rest), known = self.noise, *self.terms_with_coupled(run)
        uses_data = any(e.uses_data for e in self.of_kind(ScoreEstimator).values())
        features = self.features() if uses_data else None
        scores = {n: self.sum_sites([self.own_logs[n]])[not self.is_local[n]] for n in self.of_kind(ScoreEstimator)}
        coupled, surrogates, slopes = [], {}, {}
        for name, estimator in self.of_kind(EvaluatingEstimator).items():
            site = SiteDraw(self, run, noise[name], name, self.objective_of(rows, rest, name), key)
            if name == next(reversed(run.sites)):
                site.known = known
            state = self.state_of(name)
            parts = estimator.parts(site, state)
            if estimator.learning_rate:
                slopes[name] = self.slopes_of_variance(site, estimator, state)
            parts = {n: self.detach(part) for n, part in parts.items()}
            surrogates[name] = estimator.surrogate(noise[name].logits, parts, site)
            coupled += site.coupled
        return Draw(rows, rest, coupled, scores, surrogates, slopes, features)

    def terms_with_coupled(self, run: Run) -> tuple[tuple[Arrays, Arrays], tuple[Arrays, Arrays] | None]:
        """The terms of a run of the guide, and those at the coupled draw of its last site if one run gives both."""
        name = next(reversed(run.sites))
        estimator, noisy = self.estimators.get(name), self.noise.get(name)
        if not (self.stacks_draws and isinstance(estimator, AntitheticEstimator) and noisy and self.is_local[name]):
            return self.terms(run), None
        p = noisy.support.mean(self.detach(noisy.logits))
        other = self.functions.as_value(estimator.coupled(noisy.u, p))
        site, both = run.latents[name], copy.copy(self)
        both.sample_shape = (2, *self.sample_shape)
        value = self.functions.stack([site["value"], other])
        rows, rest = both.terms(run._replace(sites={**run.sites, name: {**site, "value": value}}))
        self.own_logs, self.observed, self.scale, self.rows = both.own_logs, both.observed, both.scale, both.rows
        parts = {n: (v, v) if v is None or n == "extra" else tuple(v) for n, v in rows.items()}
        first, second = ({n: v[i] for n, v in parts.items()} for i in (0, 1))
        return (first, rest), (second, rest)

    def slopes_of_variance(self, site: SiteDraw, estimator: EvaluatingEstimator, state: Arrays) -> Arrays:
        """The gradient of the estimate's squared length, by what is learned of a state."""

        def squared_length(values: Arrays) -> BackendArray:
            parts = estimator.parts(site, {**state, **values})
            _, slope = self.functions.value_and_slope(
                lambda logits: estimator.surrogate(logits, parts, site), site.logits
            )
            return (slope**2).sum()

        return self.functions.slopes(squared_length, learning.values_of(state))

    def run_program(self, guide_run: Run, values: Mapping[str, BackendArray]) -> Run:
        """As in the base class; remembers the run, for the data of the rows."""
        self.observed = super().run_program(guide_run, values)
        return self.observed

    def log_densities(
        self, program: Run, guide: Mapping[str, Site], values: Mapping[str, BackendArray], without: Collection[str] = ()
    ) -> LogDensities:
        """As in the base class; for ``elbo``, log q of a hard draw is in its signal, and has no gradient of its own."""
        logs = super().log_densities(program, guide, values, without)
        self.own_logs = logs.guide.copy()
        if self.objective.name == "elbo" and not self.relax:
            for name in {**self.of_kind(ScoreEstimator), **self.of_kind(EvaluatingEstimator)}:
                if name in logs.guide:
                    site, log = logs.guide[name]
                    logs.guide[name] = site, self.detach(log)
        return logs

    def features(self) -> BackendArray | None:
        """(B, F): the data of the rows, where a baseline may use it."""
        sites = self.observed.observed.values() if self.observed else ()
        rows = [
            self.functions.rows_first(s["value"], plate_dims(s)["N"] - s["fn"].event_dim)
            for s in sites
            if is_in_rows(s) and s["value"].ndim
        ]
        return self.functions.concatenate([r.T for r in rows]).T if rows else None

    def bound_terms(self, draws: Draw) -> BoundTerms:
        """The terms of all draws, coupled ones included: each is a draw of the guide."""
        pairs = [(draws.rows, draws.rest), *draws.coupled]

        def join(i: int, name: str) -> BackendArray:
            arrays = [pair[i][name] for pair in pairs]
            # an analytic KL leaves no prior and no guide
            return arrays[0] if arrays[0] is None or len(arrays) == 1 else self.functions.concatenate(arrays)

        def mean(i: int, name: str) -> BackendArray:
            arrays = [pair[i][name] for pair in pairs]
            if arrays[0] is None:
                return None
            total: BackendArray = arrays[0] if len(arrays) == 1 else sum(arrays) / len(arrays)
            return total.mean() if total.ndim else total  # draws of one run share it

        rows = {n: join(0, n) for n in draws.rows if n != "extra"}
        rest = {n: (mean if self.has_local_latents else join)(1, n) for n in draws.rest}
        return BoundTerms(**rows, **rest, extra=mean(0, "extra"), scale=self.scale)

    def surrogate(self, draws: Draw) -> BackendArray:
        """The term with the derivatives of K discrete draws; its value is 0."""
        total = self.zeros(())
        for name, estimator in self.of_kind(ScoreEstimator).items():
            inputs, f = self.signal_inputs(name, draws), self.detach(self.objective_of(draws.rows, draws.rest, name))
            if self.objective.name == "iwae":
                signal = estimator.signal_of_weights(f, inputs) * self.num_draws
            else:
                signal = estimator.signal(f, inputs)
            total = total + self.sum_rows(self.is_local[name], signal * draws.scores[name], draws.rows)
        for name, term in draws.surrogates.items():
            total = total + self.sum_rows(self.is_local[name], term, draws.rows)
        return total - self.detach(total)

    def signal_inputs(self, name: str, draws: Draw) -> SignalInputs:
        """What the signal of a site may depend on."""
        features = draws.features[0] if draws.features is not None and self.is_local[name] else None
        return SignalInputs(self.state_of(name, features), features, self.functions)

    def state_of(self, name: str, features: BackendArray = None) -> Arrays:
        """The state of the estimator of a site; a new one before the first step."""
        sizes = Sizes(name, None if features is None else features.shape[-1], self.units[name])
        return self.state.get(name) or self.estimators[name].initial_state(sizes, self.state_key, self.functions)

    def initial_state(self, draws: Draw) -> EstimatorStates:
        """The states before the first step; empty where no estimator has one."""
        states = {n: self.signal_inputs(n, draws).state for n in self.estimators}
        return {n: s for n, s in states.items() if s}

    def next_state(self, draws: Draw) -> EstimatorStates:
        """The states of the estimators after a step; empty where none has one."""
        states = {}
        for name, estimator in self.of_kind(ScoreEstimator).items():
            inputs = self.signal_inputs(name, draws)
            if inputs.state:
                values = self.detach(self.objective_of(draws.rows, draws.rest, name))
                if self.objective.name == "iwae":
                    values = self.functions.log_mean_exp(values)[None]
                states[name] = estimator.update(values, inputs)
        for name, slopes in draws.slopes.items():
            rate = self.of_kind(EvaluatingEstimator)[name].learning_rate
            states[name] = learning.step(self.state_of(name), {n: s.mean(0) for n, s in slopes.items()}, rate)
        return states

    def sum_rows(self, is_local: bool, array: BackendArray, rows: Arrays) -> BackendArray:
        """The mean over draws of an array (K, [E,] B) summed over all rows, or of (K,)."""
        return (self.total_of_rows(array, rows) if is_local else array).mean()
