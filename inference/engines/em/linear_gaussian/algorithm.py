"""EM of one linear-Gaussian model at one data set."""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.special import xlogy

from inference.engines import FitRequest
from inference.engines.em import closed_form
from inference.engines.em.acceleration import SquaremStep
from inference.engines.em.diagnostics import FurtherDiagnostics
from inference.engines.em.linear_gaussian import NoiseType, Prior
from inference.engines.em.linear_gaussian.boundary import approaches_boundary, maximise_with_bounds
from inference.engines.em.linear_gaussian.maximise import maximise
from inference.engines.em.linear_gaussian.moments import ShiftedMoments, compute_moments, moments_about
from inference.engines.em.linear_gaussian.solution import (
    LEAST_NOISE,
    canonical_axes,
    check_noise,
    heywood_cases,
    noise_floor,
    num_parameters,
)
from inference.engines.em.linear_gaussian.start import group_moments, group_rows, initial_parameters
from inference.engines.em.linear_gaussian.statistics import Statistics, row_statistics
from inference.engines.em.options import PreparedOptions
from inference.engines.options import EngineOptions
from inference.engines.starts import complete_start
from inference.exact.gaussian import component_posteriors
from inference.exact.gaussian.rows import IncompleteRows
from inference.unconstrained.kmeans import kmeans_labels
from zoo.data.moments import location_and_spread
from zoo.linear import Linear

# pi, W, mu, Psi of columns with mean 0 and variance 1; hyperparameters in the units of the card
State = dict[str, np.ndarray]


class LinearGaussianEM:
    """EM of a model whose card has ``linear``, an ``EMAlgorithm``; its states are NumPy arrays."""

    patience = 50

    def __init__(self, request: FitRequest[EngineOptions], options: PreparedOptions):
        self.request, self.options, self.keywords = request, options, request.keywords
        self.form = cast(closed_form.LinearGaussianForm, closed_form.linear_gaussian_form(request.model))
        self.noise: NoiseType = self.form.noise_type(self.keywords)
        (self.x,) = request.table.values()
        self.K, self.Z = int(self.keywords.get("K", 1)), self.keywords["Z"]
        weights = options.sample_weight
        different = None if weights.min() == weights.max() == 1 else weights
        moments = compute_moments(self.x, different) if self.K == 1 else None
        units = moments.location_and_spread() if moments else location_and_spread(self.x, self.Z, different)
        centre, scale = units
        if self.noise == "isotropic":  # a sphere stays a sphere only where columns have one scale
            scale = np.full_like(scale, np.sqrt((scale**2).mean()))
        self.centre, self.scale = centre, scale
        self._count_rows(weights, moments)
        self.floor = noise_floor(options)
        if options.start and (self.initialize(request.seed)["Psi"] <= self.floor).any():
            self.lower_floor()
        self._squarem = self._new_squarem()

    def lower_floor(self) -> bool:
        """Allow noise below the default floor; whether that was not allowed before."""
        can_lower = not self.options.is_map and self.options.covariance_floor is None and self.floor > LEAST_NOISE
        if can_lower:
            self.floor = LEAST_NOISE
        return can_lower

    def set_weights(self, weights: np.ndarray) -> None:
        """Count the rows by other weights, (N,)."""
        self._count_rows(weights, None)

    def _count_rows(self, weights: np.ndarray, moments: ShiftedMoments | None) -> None:
        self.weights = weights
        if moments is None and self.K == 1:
            moments = moments_about(self.centre, self.x, weights)
        self.moments = moments.standardised(self.centre, self.scale) if moments else None
        self.rows = None
        if self.moments:
            count = self.moments.num_rows @ self.moments.patterns
        else:
            is_counted = weights > 0
            self.weights = weights[is_counted]
            x = self.x if is_counted.all() else self.x[is_counted]
            self.rows = rows = IncompleteRows((x - self.centre) / self.scale)
            count = np.bincount(rows.pattern_of_row, self.weights, minlength=len(rows.patterns)) @ rows.patterns
        self.log_scale = float(count @ np.log(self.scale))

    def initialize(self, seed: int) -> State:
        """The start of the options; else principal axes, rotated at random unless the seed is that of the request."""
        self._squarem = self._new_squarem()
        given, card = self.options.start, self.request.card
        if not given:
            return self._usual_start(seed)
        is_complete = card.parameters(self.keywords).keys() <= given.keys()
        usual = {} if is_complete else self.to_numpy(self._usual_start(seed))
        start = complete_start(card, self.keywords, given, usual)
        linear = card.linear(start, self.keywords)  # type: ignore[misc]
        return {**self._standardise(linear), **{n: start[n] for n in card.hyper}}

    def _usual_start(self, seed: int) -> State:
        random = None if seed == self.request.seed else np.random.default_rng(seed)
        if self.moments:
            groups = group_moments(self.moments)
        else:
            rows = cast(IncompleteRows, self.rows)
            seed = self.request.seed if random is None else int(random.integers(2**31))
            labels = np.zeros(len(rows), dtype=int)
            if self.K > 1:
                values = rows.values if rows.observed is None else np.where(rows.observed > 0, rows.values, np.nan)
                labels = kmeans_labels({"x": values}, self.K, seed, self.weights)
            groups = group_rows(rows, labels, self.K, self.weights)
        return self._with_hyperparameters(initial_parameters(groups, self.Z, self.noise, self.floor, random))

    def step(self, state: State) -> tuple[State, float]:
        """A better state, extrapolated after every second step, and the objective at the given one."""
        return self._squarem(state)

    def _new_squarem(self) -> SquaremStep[State]:
        return SquaremStep(self.em_step, self._to_vector, self._from_vector)

    def em_step(self, state: State) -> tuple[State, float]:
        """EM's own step."""
        stats, value = self.expect(to_linear(state))
        prior = self._prior(state) if self.options.is_map else None
        better = maximise(stats, to_linear(state), self.noise, prior, self.floor)
        return self._with_hyperparameters(better), value + self.log_prior(state)

    def expect(self, linear: Linear) -> tuple[list[Statistics], float]:
        """The E-step: the statistics of each component, and the log-likelihood in nats."""
        if self.moments:
            stats = self.moments.statistics(linear.W[0], linear.mu[0], linear.Psi[0])
            return [stats], stats.log_likelihood - self.log_scale
        rows = cast(IncompleteRows, self.rows)
        posterior = component_posteriors(linear, rows)
        responsibility = posterior.responsibility
        stats = [
            row_statistics(rows, p, self.weights * responsibility[:, k], linear.W[k], linear.mu[k])
            for k, p in enumerate(posterior.latents)
        ]
        return stats, float(self.weights @ posterior.log_density) - self.log_scale

    def _prior(self, state: State) -> Prior:
        """The priors of columns with mean 0 and variance 1, given the hyperparameters of a state."""
        return self.form.prior(self.keywords, state).standardised(self.centre, self.scale)

    def log_prior(self, state: State) -> float:
        """log p of the parameters for MAP, and 0 for maximum likelihood."""
        return float(self.form.log_prior(self.to_numpy(state), self.keywords)) if self.options.is_map else 0.0

    def rounding(self, state: State, value: float) -> float:
        """That of sums in 64 bits, and of residuals of a noise of 1e-6 known to as many digits."""
        return 1e-10 * max(self.options.total_weight, abs(value))  # a sum near zero has the rounding of its terms

    def escape_boundary(self, state: State) -> State | None:
        """A better state where a uniqueness approaches zero, at which EM is sublinear; else None."""
        self._squarem = self._new_squarem()
        if self.options.is_map or self.K > 1 or self.noise != "own":
            return None
        if not approaches_boundary(state["Psi"], self.em_step(state)[0]["Psi"]):
            return None
        better = maximise_with_bounds(self.expect, to_linear(state), float(self.weights.sum()), self.floor)
        return {**state, **better._asdict()}

    def check(self, state: State) -> None:
        """Raise ZooError where the likelihood has no maximum."""
        if not self.options.is_map and self.options.covariance_floor is None:
            check_noise(to_linear(state), self.floor)

    def finalize(self, state: State) -> tuple[dict[str, np.ndarray], FurtherDiagnostics]:
        """The parameters of the card, axes in their canonical position, and further fields of the diagnostics."""
        linear = to_linear(state)
        if self.request.card.symmetries.get("Z") == "rotation":
            state = {**state, **canonical_axes(linear)._asdict()}
        further: FurtherDiagnostics = {} if self.noise == "isotropic" else {"heywood": heywood_cases(linear)}
        return self.to_numpy(state), further

    @property
    def num_parameters(self) -> int:
        """How many numbers the likelihood determines."""
        return num_parameters(self.form, self.keywords)

    def entropy(self, state: State) -> float:
        """The entropy of the components given the rows, in nats."""
        if self.rows is None or self.K == 1:
            return 0.0
        r = component_posteriors(to_linear(state), self.rows).responsibility
        return float(-self.weights @ xlogy(r, r).sum(1))

    def to_numpy(self, state: State) -> dict[str, np.ndarray]:
        """The parameters of the card, in the units of the data."""
        hyperparameters = {n: state[n] for n in self.request.card.hyper}
        params = self.form.to_params(self._restore_units(to_linear(state)), self.keywords)
        return {n: np.asarray(v) for n, v in {**params, **hyperparameters}.items()}

    def _with_hyperparameters(self, linear: Linear) -> State:
        return {**linear._asdict(), **self.form.hyperparameters(self._restore_units(linear), self.keywords)}

    def _restore_units(self, linear: Linear) -> Linear:
        """From standardised columns to those of the data."""
        scale = self.scale
        return Linear(linear.pi, linear.W * scale[:, None], linear.mu * scale + self.centre, linear.Psi * scale**2)

    def _standardise(self, linear: Linear) -> State:
        """The inverse of ``_restore_units``, with the noise at its floor or above."""
        scale = self.scale
        return Linear(
            np.asarray(linear.pi, float),
            linear.W / scale[:, None],
            (linear.mu - self.centre) / scale,
            np.maximum(linear.Psi / scale**2, self.floor),
        )._asdict()

    def _to_vector(self, state: State) -> np.ndarray:
        """The state as unconstrained values, positive ones by their logarithm."""
        logs = [np.log(np.maximum(state[n], 1e-300)) for n in ("pi", "Psi", *self.request.card.hyper)]
        return np.concatenate([v.ravel() for v in (state["W"], state["mu"], *logs)])

    def _from_vector(self, vector: np.ndarray) -> State:
        """The inverse of ``_to_vector``; pi sums to 1, and the noise is at its floor or above."""
        K, D, Z = self.K, len(self.scale), self.Z
        hyper = dict.fromkeys(self.request.card.hyper, (Z,))
        shapes = {"W": (K, D, Z), "mu": (K, D), "pi": (K,), "Psi": (K, D)} | hyper
        ends = np.cumsum([int(np.prod(s)) for s in shapes.values()])
        state = {n: v.reshape(s) for (n, s), v in zip(shapes.items(), np.split(vector, ends[:-1]), strict=True)}
        with np.errstate(over="ignore"):
            state |= {n: np.exp(state[n]) for n in ("pi", "Psi", *hyper)}
        return {**state, "pi": state["pi"] / state["pi"].sum(), "Psi": np.maximum(state["Psi"], self.floor)}


def to_linear(state: State) -> Linear:
    """The parameters in a state."""
    return Linear(state["pi"], state["W"], state["mu"], state["Psi"])
