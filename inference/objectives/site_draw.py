"""One draw of a discrete site, as ``EvaluatingEstimator`` sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.objectives.discrete_values import NoisyDraw
from inference.objectives.forms import Relax
from inference.objectives.noisy import NoisyDraws
from inference.objectives.sites import Run, Site, is_in_rows
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
MORE_NOISE = 1000  # number of the noise of a site beyond that of its draw, above the number of any site


class SiteDraw:
    """One draw of a site, in a run of the guide; ``forms.DrawnSite`` describes what it provides.

    coupled: terms of the bound at other draws, which ``evaluate`` adds. known: those of the next one, where they are
    known.
    """

    known: tuple[Arrays, Arrays] | None = None

    def __init__(self, draws: NoisyDraws, run: Run, noisy: NoisyDraw, name: str, f: BackendArray, key: BackendArray):
        self.draws, self.run, self.name, self.support, self.key = draws, run, name, noisy.support, key
        self.functions: Any = draws.functions
        self.site: Site = run.latents[name]
        detach = draws.detach
        self.logits, self.u = detach(noisy.logits), noisy.u
        self.value, self.f = detach(self.site["value"]) * 1.0, detach(f)
        self.coupled: list[tuple[Arrays, Arrays]] = []

    def noise(self) -> BackendArray:
        """Uniform noise that is not that of the draw."""
        return self.functions.uniform(self.key, MORE_NOISE, self.logits.shape)

    def evaluate(self, value: BackendArray) -> BackendArray:
        """The objective at another draw of the guide, with later latents drawn anew; its terms join ``coupled``."""
        terms = self.known or self.draws.terms(self.run_again(self.draws, self.functions.as_value(value)))
        self.coupled.append(terms)
        return self.draws.detach(self.draws.objective_of(*terms, self.name))

    def evaluate_at(
        self,
        z: BackendArray,
        value: Callable[[BackendArray], BackendArray],
        later: Relax,
        change: Callable[[BackendArray, BackendArray], BackendArray] = lambda f, z: f,
    ) -> tuple[BackendArray, BackendArray]:
        """``change(f, z)`` of the objective f at ``value(z)``, and its derivative by z.

        Discrete latents drawn later have the value ``later(support, logits, z)``, where their supports allow it.
        """
        draws = self.draws.frozen(later)

        def at(z: BackendArray) -> BackendArray:
            run = self.run_again(draws, value(z))
            return change(draws.objective_of(*draws.terms(run), self.name), z)

        return self.functions.value_and_slope(at, z)

    def run_again(self, draws: NoisyDraws, value: BackendArray) -> Run:
        """A run of the guide with this latent at a value, and earlier ones as before."""
        if next(reversed(self.run.sites)) == self.name:  # nothing of the guide depends on it
            return self.run._replace(sites={**self.run.sites, self.name: {**self.site, "value": value}})
        values = {n: s["value"] for n, s in self.run.latents.items()}
        before = dict(list(values.items())[: list(values).index(self.name)])
        if draws.relax:
            before = {n: draws.detach(v) for n, v in before.items()}
        # random numbers of its own: later latents must not depend on the numbers of earlier ones
        number = list(self.draws.estimators).index(self.name)
        return draws.draw_run(self.functions.next_key(self.key, number), {**before, self.name: value})

    def sum(self, array: BackendArray) -> BackendArray:
        """One number for each unit of the value, summed by row; a scalar for a site outside of the rows."""
        units = self.site["fn"].event_dim - self.support.element_dim
        return self.sum_plates(array.sum(tuple(range(-units, 0))) if units else array)

    def sum_plates(self, array: BackendArray) -> BackendArray:
        """One number for each value, summed by row; a scalar for a site outside of the rows."""
        return self.draws.sum_sites([(self.site, array)])[0 if is_in_rows(self.site) else 1]

    def flatten(self, value: BackendArray) -> BackendArray:
        """A value with its units in one last dimension."""
        event = self.site["fn"].event_dim
        return value.reshape(*value.shape[: value.ndim - event], -1)
