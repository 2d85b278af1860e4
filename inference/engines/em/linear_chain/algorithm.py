"""EM of one linear-Gaussian chain at one data set."""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.optimize import Bounds, minimize

from inference.engines import FitRequest
from inference.engines.em import closed_form
from inference.engines.em.acceleration import SquaremStep
from inference.engines.em.diagnostics import FurtherDiagnostics
from inference.engines.em.linear_chain import ChainMoments
from inference.engines.em.linear_gaussian.solution import noise_floor
from inference.engines.em.options import PreparedOptions
from inference.engines.options import EngineOptions
from inference.engines.starts import complete_start
from inference.exact.kalman import smooth
from zoo import ZooError

State = dict[str, np.ndarray]
NUM_PERTURBATIONS = 8  # of the parameters, by their last digit
SEARCH = {"maxiter": 500, "maxfun": 1000, "ftol": 1e-15, "gtol": 1e-7}  # of quasi-Newton steps


class LinearChainEM:
    """EM of a model whose card has ``linear_chain``, an ``EMAlgorithm``; its states are parameters in NumPy."""

    patience = 15

    def __init__(self, request: FitRequest[EngineOptions], options: PreparedOptions):
        self.request, self.options, self.keywords = request, options, request.keywords
        self.form = cast(closed_form.LinearChainForm, closed_form.linear_chain_form(request.model))
        (x,) = request.table.values()
        self.x, self.floor = np.asarray(x, float), noise_floor(options)
        self.sites, self.units = request.card.parameters(self.keywords), self.form.units(self.keywords)
        self.least = self.form.least(self.keywords, self.floor)
        self.set_weights(options.sample_weight)
        self._squarem = self._new_squarem()

    def set_weights(self, weights: np.ndarray) -> None:
        """Count the sequences by other weights, (N,)."""
        is_counted = weights > 0
        x, self.weights = self.x[is_counted], np.asarray(weights[is_counted], float)
        is_observed = ~np.isnan(x)
        has_value = np.asarray(is_observed.any(-1))
        last = x.shape[1] - 1 - has_value[:, ::-1].argmax(1)
        steps = np.arange(x.shape[1]) <= last[:, None]
        length = int(last.max()) + 1  # steps after the end of every sequence say nothing
        self.sequences = np.ascontiguousarray(x[:, :length])
        self._values = np.where(is_observed, x, 0.0)[:, :length]
        self._counted = (is_observed * self.weights[:, None, None])[:, :length]
        self._moves = (steps[:, 1:] * self.weights[:, None])[:, : length - 1]
        self._num_values = float(self._counted.sum())

    def initialize(self, seed: int) -> State:
        """The start of the options; else that of the model, varied at random unless the seed is that of the request."""
        self._squarem = self._new_squarem()
        given, card = self.options.start, self.request.card
        random = None if seed == self.request.seed else np.random.default_rng(seed)
        if self.sites.keys() <= given.keys():
            return complete_start(card, self.keywords, given, {})
        usual = self.form.start(self.sequences, self.weights, self.keywords, random)
        return complete_start(card, self.keywords, given, usual) if given else usual

    def step(self, state: State) -> tuple[State, float]:
        """A better state, extrapolated after every second step, and the objective at the given one."""
        return self._squarem(state)

    def _new_squarem(self) -> SquaremStep[State]:
        return SquaremStep(self.em_step, self._to_vector, self._from_vector)

    def em_step(self, state: State) -> tuple[State, float]:
        """EM's own step."""
        moments, value = self.expect(state)
        return self.form.maximise(moments, state, self.keywords, self.options.is_map, self.floor), value

    def expect(self, state: State) -> tuple[ChainMoments, float]:
        """The E-step: the moments of the latents, and the objective in nats."""
        smoothed = smooth(self.request.card.linear_chain(state, self.keywords), self.sequences)  # type: ignore[misc]
        moments = ChainMoments(self._values, self._counted, self._moves, smoothed.mean, smoothed.cov, smoothed.lag)
        return moments, float(self.weights @ smoothed.log_p) + self.log_prior(state)

    def log_prior(self, state: State) -> float:
        """log p of the parameters for MAP, and 0 for maximum likelihood."""
        return self.form.log_prior(state, self.keywords) if self.options.is_map else 0.0

    def rounding(self, state: State, value: float) -> float:
        """That of sums in 64 bits of squares over a noise of 1e-7, and of the last digit of each parameter."""
        rng, here, changes = np.random.default_rng(0), self.expect(state)[1], [0.0]
        for _ in range(NUM_PERTURBATIONS):  # dynamics that grow and cancel make much of it
            last_digits = {n: np.finfo(float).eps * rng.choice([-1, 1], np.shape(v)) for n, v in state.items()}
            with np.errstate(all="ignore"):
                other = self.expect({n: v * (1 + last_digits[n]) for n, v in state.items()})[1]
            changes.append(abs(other - here) if np.isfinite(other) else 0.0)
        return 1e-9 * max(self._num_values, abs(value)) + 2 * max(changes)

    def escape_boundary(self, state: State) -> State | None:
        """A better state by quasi-Newton steps, since EM is slow where variances are small; else None."""
        self._squarem = self._new_squarem()
        point = self._to_vector(state)
        least = {n: np.log(v) for n, v in self.least.items()}
        lowest = np.concatenate([np.ravel(least.get(n, np.full(np.shape(state[n]), -np.inf))) for n in self.sites])

        def loss(vector: np.ndarray) -> tuple[float, np.ndarray]:
            params = self._from_vector(vector)
            moments, value = self.expect(params)
            score = self.form.score(moments, params, self.keywords, self.options.is_map)
            return -value, -np.concatenate([np.ravel(score[n] * self.units.get(n, 1.0)) for n in self.sites])

        with np.errstate(all="ignore"):  # a trial step may be far away
            best = minimize(loss, point, jac=True, method="L-BFGS-B", bounds=Bounds(lowest), options=SEARCH)
        better = self._from_vector(best.x)
        return better if np.isfinite(best.fun) and -best.fun > self.expect(state)[1] else None

    def check(self, state: State) -> None:
        """Raise ZooError where more columns have no noise than there are latents, so that there is no maximum."""
        if self.options.is_map or self.options.covariance_floor is not None or "Psi" not in self.sites:
            return
        chain = self.request.card.linear_chain(state, self.keywords)  # type: ignore[misc]
        noiseless = np.flatnonzero(chain.Psi <= self.least["Psi"] * 1.01)
        if len(noiseless) > chain.W.shape[1]:
            columns = ", ".join(map(str, noiseless))
            raise ZooError(
                f"columns {columns} determine each other, so the noise fell to zero and the likelihood has no maximum: "
                "drop one, use objective='map', or give a covariance_floor"
            )

    def finalize(self, state: State) -> tuple[State, FurtherDiagnostics]:
        """The parameters of the card, axes in their canonical position."""
        return self.form.canonical(state, self.keywords), {}

    def to_numpy(self, state: State) -> State:
        """The parameters of the card."""
        return state

    @property
    def num_parameters(self) -> int:
        """How many numbers the likelihood determines."""
        return self.form.num_parameters(self.keywords)

    def entropy(self, state: State) -> float:
        """There are no labels."""
        return 0.0

    def _to_vector(self, state: State) -> np.ndarray:
        """The state as numbers without units: logarithms of positive ones, others in units of their columns."""
        parts = ((n, np.log(state[n]) if s.kind == "positive" else state[n]) for n, s in self.sites.items())
        return np.concatenate([np.ravel(v / self.units.get(n, 1.0)) for n, v in parts])

    def _from_vector(self, vector: np.ndarray) -> State:
        """The inverse of ``_to_vector``, with positive parameters at their least values or above."""
        ends = np.cumsum([int(np.prod(s.shape(self.keywords))) for s in self.sites.values()])
        parts = zip(self.sites.items(), np.split(vector, ends[:-1]), strict=True)
        state = {n: v.reshape(s.shape(self.keywords)) for (n, s), v in parts}
        with np.errstate(over="ignore"):
            positive = {n: np.maximum(np.exp(v), self.least[n]) for n, v in state.items() if n in self.least}
        return {n: positive[n] if n in positive else v * self.units.get(n, 1.0) for n, v in state.items()}
