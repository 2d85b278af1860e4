"""How EM steps on one linear-Gaussian model at one data set, and where it begins and may end."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from inference.engines import FitRequest
from inference.engines.em import closed_form
from inference.engines.em.acceleration import Accelerated
from inference.engines.em.linear_gaussian import edge, endings
from inference.engines.em.linear_gaussian.gather import Gathered, about, gather
from inference.engines.em.linear_gaussian.maximise import maximise
from inference.engines.em.linear_gaussian.start import starts
from inference.engines.em.linear_gaussian.statistics import Statistics, of_rows
from inference.exact.gaussian import given
from inference.exact.gaussian.rows import Rows
from zoo.data.moments import location_and_spread
from zoo.linear import Linear

State = dict[str, np.ndarray]  # pi, W, mu, Psi of columns with mean 0 and variance 1, and further latents as they are


class Climber:
    """The same promises as ``em.running.Climber``."""

    patience = 50  # iterations, after which ``escape_boundary`` is asked
    least = 1.0  # nats

    def __init__(self, request: FitRequest, options: dict[str, Any]):
        self.request, self.options, self.keywords = request, options, request.keywords
        self.form = closed_form.linear_gaussian_form(request.model)
        (self.x,) = request.table.values()
        K, self.Z = self.keywords.get("K", 1), self.keywords["Z"]
        self.K = int(K)
        weights = options["sample_weight"]
        # rows of weight 0 have a say in the units, else a column might have none
        even = weights.min() == weights.max() == 1
        gathered = gather(self.x) if self.K == 1 and even else None
        centre, scale = gathered.location_and_spread() if gathered else location_and_spread(self.x, self.Z)
        if self.form.noise(self.keywords) == "isotropic":  # a sphere stays one only where columns are scaled alike
            scale = np.full_like(scale, np.sqrt((scale**2).mean()))
        self.centre, self.scale = centre, scale
        self._count(weights, gathered)
        self.is_map = options["objective"] == "map"
        self.floor = endings.floor(options)
        # of the objective, relative to it: sums in 64 bits, and squares known to 1e-16 over a noise as low as the floor
        self.rounding = 1e-11 if self.is_map else max(1e-11, 1e-16 / self.floor)
        self._accelerated = self._fresh()

    def reweighted(self, weights: np.ndarray) -> None:
        """Count the rows anew."""
        self._count(weights, None)

    def _count(self, weights: np.ndarray, gathered: Gathered | None) -> None:
        self.weights = weights
        if gathered is None and self.K == 1:
            gathered = about(self.centre, self.x, weights)
        self.moments = gathered.standardised(self.centre, self.scale) if gathered else None
        self.rows = None if self.moments else Rows((self.x - self.centre) / self.scale)
        count = self.moments.count @ self.moments.patterns if self.moments else self._seen_by_column()
        self.log_scale = float(count @ np.log(self.scale))

    def _seen_by_column(self) -> np.ndarray:
        assert self.rows is not None
        return np.bincount(self.rows.which, self.weights, minlength=len(self.rows.patterns)) @ self.rows.patterns

    def step(self, state: State) -> tuple[State, float]:
        return self._accelerated(state)

    def _fresh(self) -> Accelerated:
        return Accelerated(self.em_step, self.flat, self.whole)

    def em_step(self, state: State) -> tuple[State, float]:
        """Better parameters, and the objective at these."""
        stats, value = self.expected(state)
        prior = None
        if self.is_map:
            prior = self.form.prior(self.keywords, state).standardised(self.centre, self.scale)
        found = maximise(stats, of(state), self.form.noise(self.keywords), prior, self.floor)
        return self.with_further(found), value + self.log_prior(state)

    def expected(self, state: State) -> tuple[list[Statistics], float]:
        """The statistics of each component, and the log-likelihood in nats."""
        linear = of(state)
        if self.moments:
            stats = self.moments.statistics(linear.W[0], linear.mu[0], linear.Psi[0])
            return [stats], stats.log_likelihood - self.log_scale
        assert self.rows is not None
        g = given(linear, self.rows)
        stats = [of_rows(self.rows, p, self.weights * g.responsibility[:, k]) for k, p in enumerate(g.posteriors)]
        return stats, float(self.weights @ g.log_density) - self.log_scale

    @property
    def parameters(self) -> int:
        return endings.parameters(self.request)

    def entropy(self, state: State) -> float:
        """Of the components given the rows, in nats."""
        if self.rows is None or self.K == 1:
            return 0.0
        r = given(of(state), self.rows).responsibility
        return float(-self.weights @ xlogy(r, r).sum(1))

    def log_prior(self, state: State) -> float:
        """log p(params) where it counts, for MAP."""
        return float(self.form.log_prior(self.to_numpy(state), self.keywords)) if self.is_map else 0.0

    def begin(self, seed: int) -> State:
        self._accelerated = self._fresh()
        start = self.options["start"]
        if start is not None:
            linear = self.request.card.linear(start, self.keywords)  # type: ignore[misc]
            further = {n: start[n] for n in self.request.card.hyper}
            return {**self.standardised(linear), **further}
        random = None if seed == self.request.seed else np.random.default_rng(seed)
        return self.with_further(starts(self, random))

    def escape_boundary(self, state: State) -> State | None:
        """Where to go on from if EM only creeps here: a uniqueness may be on its way to zero; None where none is."""
        self._accelerated = self._fresh()  # it has a path to where it is no longer
        if self.is_map or self.K > 1 or self.form.noise(self.keywords) != "own":
            return None
        return edge.climbed(self, state) if edge.creeps(state["Psi"], self.em_step(state)[0]["Psi"]) else None

    def with_further(self, linear: Linear) -> State:
        return {**linear._asdict(), **self.form.further(self.in_units(linear), self.keywords)}

    def check(self, state: State) -> None:
        endings.check(self, of(state))

    def ending(self, state: State) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The parameters to show, their axes in one standard position, and what to report beside their height."""
        linear = of(state)
        if self.request.card.symmetries.get("Z") == "rotation":
            state = {**state, **endings.canonical(linear)._asdict()}
        return self.to_numpy(state), endings.said(self, linear)

    def to_numpy(self, state: State) -> dict[str, np.ndarray]:
        """The card's parameters, in the units of the data."""
        further = {n: state[n] for n in self.request.card.hyper}
        own = self.form.params(self.in_units(of(state)), self.keywords)
        return {n: np.asarray(v) for n, v in {**own, **further}.items()}

    def in_units(self, linear: Linear) -> Linear:
        scale = self.scale
        return Linear(linear.pi, linear.W * scale[:, None], linear.mu * scale + self.centre, linear.Psi * scale**2)

    def standardised(self, linear: Linear) -> State:
        scale = self.scale
        return Linear(
            np.asarray(linear.pi, float),
            linear.W / scale[:, None],
            (linear.mu - self.centre) / scale,
            np.maximum(linear.Psi / scale**2, self.floor),
        )._asdict()

    def flat(self, state: State) -> np.ndarray:
        logs = [np.log(np.maximum(state[n], 1e-300)) for n in ("pi", "Psi", *self.request.card.hyper)]
        return np.concatenate([v.ravel() for v in (state["W"], state["mu"], *logs)])

    def whole(self, vector: np.ndarray) -> State:
        K, D, Z = self.K, len(self.scale), self.Z
        shapes = {"W": (K, D, Z), "mu": (K, D), "pi": (K,), "Psi": (K, D)} | dict.fromkeys(
            self.request.card.hyper, (Z,)
        )
        ends = np.cumsum([int(np.prod(s)) for s in shapes.values()])
        state = {n: v.reshape(s) for (n, s), v in zip(shapes.items(), np.split(vector, ends[:-1]), strict=True)}
        with np.errstate(over="ignore"):
            state |= {n: np.exp(state[n]) for n in ("pi", "Psi", *self.request.card.hyper)}
        return {**state, "pi": state["pi"] / state["pi"].sum(), "Psi": np.maximum(state["Psi"], self.floor)}


def of(state: State) -> Linear:
    return Linear(state["pi"], state["W"], state["mu"], state["Psi"])
