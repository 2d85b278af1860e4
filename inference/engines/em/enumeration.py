"""EM of programs whose discrete latents are summed out exactly."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from inference.engines import FitRequest
from inference.engines.em import closed_form
from inference.engines.em.backend import ClosedFormStep, EMBackend, EMStep
from inference.engines.em.chain import ChainForm
from inference.engines.em.chain.step import ChainStep
from inference.engines.em.diagnostics import FurtherDiagnostics
from inference.engines.em.linear_gaussian.algorithm import LinearGaussianEM
from inference.engines.em.linear_gaussian.solution import num_parameters
from inference.engines.em.options import PreparedOptions
from inference.engines.options import EngineOptions
from inference.engines.starts import complete_start
from inference.unconstrained import NUM_START_DRAWS
from inference.unconstrained.clusterwise import clusterwise_labels
from inference.unconstrained.curvature import possible_point
from inference.unconstrained.kmeans import category_columns, kmeans_labels
from zoo import ReadModel
from zoo._backend import backend_of
from zoo.data.tables import SEQUENCES
from zoo.errors import DensityError
from zoo.types import BackendParams


class EnumerationEM:
    """EM of one program at one data set, an ``EMAlgorithm``; its states are the parameters as arrays of the backend.

    closed: whether to use the closed-form M-step of the model, where it has one and the options allow it.
    """

    patience = None

    def __init__(
        self, backend: EMBackend, request: FitRequest[EngineOptions], options: PreparedOptions, closed: bool = True
    ):
        self.is_counted = countable_rows(request, options)
        request, options = without_rows(request, options, self.is_counted)
        self.backend, self.request, self.options = backend, request, options
        self._arrays = backend_of(request.model)
        data, keywords = self._arrays.to_backend(request.table), self._arrays.to_backend(request.keywords)
        program = request.model.collapsed or request.model.program
        self.density = backend.EnumeratedDensity(program, keywords, data)
        weights = backend.to_array(options.sample_weight)
        # the rows of a user's own program may depend on each other, unless they are weighed
        are_equal = self.density.is_own and bool((options.sample_weight == 1).all())
        self.general = backend.GeneralStep(self.density, weights, options.objective, are_equal)
        self.closed_step: ClosedFormStep | None = None
        family, chain = closed_form.exponential_family_form(request.model), closed_form.chain_form(request.model)
        self.form = family.form(data, keywords, options) if family else None
        if chain:
            self.form = chain.form(request.keywords, options)
        if self.form and closed and options.closed_form:
            (x,) = data.values()
            if isinstance(self.form, ChainForm):
                self.closed_step = ChainStep(self.form, x, weights, self._arrays)
            else:
                self.closed_step = backend.ExponentialFamilyStep(self.form, x, weights)
        self.em_step: EMStep = self.closed_step or self.general
        self.log_prior = backend.compile(self.density.log_prior) if options.is_map else lambda params: 0.0
        self.machine_epsilon = backend.machine_epsilon()

    @cached_property
    def _linear_gaussian(self) -> LinearGaussianEM:
        """The algorithm from whose start the general one begins; it reads the rows once for all starts."""
        return LinearGaussianEM(self.request, self.options)

    def initialize(self, seed: int) -> BackendParams:
        """The parameters at which EM begins.

        The start of the options, and for other parameters: the principal axes for a linear-Gaussian model, the fit to
        k-means labels where each row, or each step of a chain, has one label, and a draw from the prior for other
        programs.
        """
        given, card, keywords = self.options.start, self.request.card, self.request.keywords
        if not given:
            return self._usual_start(seed)
        is_complete = card.parameters(keywords).keys() <= given.keys()
        usual = {} if is_complete else self.to_numpy(self._usual_start(seed))
        return self.to_backend(complete_start(card, keywords, given, usual))

    def _usual_start(self, seed: int) -> BackendParams:
        request = self.request
        if request.card.linear is not None:
            closed = self._linear_gaussian
            return self.to_backend(closed.to_numpy(closed.initialize(seed)))
        has_steps = self.density.has_one_chain_per_row and bool(self._steps())
        has_labels = self.density.has_one_label_per_row or has_steps
        if self.density.is_own and not (has_labels and request.card.exchangeable):
            return self._possible_draw(seed)
        if not has_labels:
            draw = request.model.simulate(seed, **request.keywords)
            return self.to_backend({n: draw[n] for n in request.card.parameters(request.keywords)})
        K = self.density.variables[0].size
        observed = {n: v for n, v in request.table.items() if n in request.card.observed}
        rows = observed or request.table
        weights = self.options.sample_weight
        if has_steps:
            labels = self._step_labels(seed)
        else:
            labels = kmeans_labels(rows, K, seed, weights, category_columns(request.card, request.keywords, rows))
        try:
            return self.em_step.from_labels(labels, K)
        except DensityError:  # labels for which no parameters are possible
            if not self.density.is_own:
                raise
            return self._possible_draw(seed)

    def _possible_draw(self, seed: int) -> BackendParams:
        """A draw from the prior, or where the density is 0 there, other values at which it is not."""
        first = {n: v[0] for n, v in self.density.prior_draws(1, seed).items()}

        def value_at(vector: np.ndarray, _: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            params = self.general.constrain(self.general.array(vector))
            return float(self.general.total(self.general.posterior(params)[1])), vector, vector

        def other_draws() -> np.ndarray:
            draws = self.to_numpy(self.density.prior_draws(NUM_START_DRAWS, seed))
            each = ({n: self.backend.to_array(v[i]) for n, v in draws.items()} for i in range(NUM_START_DRAWS))
            return np.stack([self._arrays.to_numpy({"": self.general.unconstrain(draw)})[""] for draw in each])

        point = np.asarray(self._arrays.to_numpy({"": self.general.unconstrain(first)})[""], float)
        chosen = possible_point(value_at, point, other_draws)
        return first if chosen is point else self.general.constrain(self.general.array(chosen))

    def _step_labels(self, seed: int) -> np.ndarray:
        """Labels of the steps of every row by k-means, or of steps that regress by clusterwise regression, (N, T)."""
        steps, card, K = self._steps(), self.request.card, self.density.variables[0].size
        if card.regression:
            (x,) = steps.values()
            data = card.regression(np.asarray(x, float), self.request.keywords)
            return clusterwise_labels(data, K, seed, self.options.sample_weight)
        N, T = next(iter(steps.values())).shape[:2]
        # time first: at each step the copies of a row then lie side by side, and are what its weight counts
        table = {n: v.swapaxes(0, 1).reshape(T * N, *v.shape[2:]) for n, v in steps.items()}
        weights = np.tile(self.options.sample_weight, T)
        categories = category_columns(self.request.card, self.request.keywords, table)
        return kmeans_labels(table, K, seed, weights, categories).reshape(T, N).T

    def _steps(self) -> dict[str, np.ndarray]:
        """The data that has a value for each step of each row, (N, T, ...), by site."""
        sites = self.request.card.sites(self.request.keywords)
        return {n: v for n, v in self.request.table.items() if sites[n].dims[:2] == SEQUENCES}

    def step(self, params: BackendParams) -> tuple[BackendParams, float]:
        """Better parameters, and the objective at the given ones."""
        better, value = self.em_step.step(params)
        return better, value + self.log_prior(params)

    def rounding(self, params: BackendParams, value: float) -> float:
        """That of sums over many rows, and of covariances in which columns nearly determine each other."""
        of_sums = 1e5 * self.machine_epsilon if self.machine_epsilon < 1e-10 else 1e-4
        total = of_sums * max(self.options.total_weight, abs(value))  # a sum near zero has the rounding of its terms
        if self.form is None or self.form.condition is None:
            return total
        values = sum(v.size / len(v) for v in self.request.table.values()) * self.options.total_weight
        return total + self.machine_epsilon * self.form.condition(self.to_numpy(params)) * values

    def escape_boundary(self, params: BackendParams) -> None:
        """None: these models have no boundary at which EM is sublinear."""
        return None

    def check(self, params: BackendParams) -> None:
        """Raise ZooError where a component collapsed."""
        if self.form and self.form.check:
            self.form.check(self.to_numpy(params))

    def finalize(self, params: BackendParams) -> tuple[dict[str, np.ndarray], FurtherDiagnostics]:
        """The parameters in NumPy, and further fields of the diagnostics: none."""
        return self.to_numpy(params), {}

    @property
    def num_parameters(self) -> int:
        """How many numbers the likelihood determines."""
        form = closed_form.linear_gaussian_form(self.request.model)
        chain = closed_form.linear_chain_form(self.request.model)
        if chain:
            return chain.num_parameters(self.request.keywords)
        return num_parameters(form, self.request.keywords) if form else self.general.num_parameters

    def entropy(self, params: BackendParams) -> float:
        """The entropy of the labels given the data, in nats."""
        return self.em_step.entropy(params)

    def set_weights(self, weights: np.ndarray) -> None:
        """Count the rows by other weights, (N,)."""
        self.em_step.weights = self.backend.to_array(weights[self.is_counted])

    def set_table(self, table: dict[str, np.ndarray]) -> bool:
        """Take other data of the same sizes; whether it can, as a closed form can, which is not compiled anew."""
        if self.closed_step is None:
            return False
        self.request = replace(self.request, table=counted_rows(self.request, table, self.is_counted))
        (x,) = self._arrays.to_backend(self.request.table).values()
        self.closed_step.set_data(x)
        return True

    def to_backend(self, params: dict[str, np.ndarray]) -> BackendParams:
        return {n: self.backend.to_array(v) for n, v in params.items()}

    def to_numpy(self, params: BackendParams) -> dict[str, np.ndarray]:
        return self._arrays.to_numpy(params)


def countable_rows(request: FitRequest[EngineOptions], options: PreparedOptions) -> np.ndarray:
    """Whether each row counts, (N,): not where its weight is 0, unless the model's rows cannot be taken in parts."""
    is_counted = options.sample_weight > 0
    model = request.model
    is_divisible = not isinstance(model, ReadModel) or bool(model.reading.rows.entries)
    return is_counted if is_divisible and "N" in request.keywords else np.ones_like(is_counted)


def without_rows(
    request: FitRequest[EngineOptions], options: PreparedOptions, is_counted: np.ndarray
) -> tuple[FitRequest[EngineOptions], PreparedOptions]:
    """The request and its options with the rows that count alone."""
    if is_counted.all():
        return request, options
    keywords = {**request.keywords, "N": int(is_counted.sum())}
    return (
        replace(request, table=counted_rows(request, request.table, is_counted), keywords=keywords),
        replace(options, sample_weight=options.sample_weight[is_counted]),
    )


def counted_rows(
    request: FitRequest[EngineOptions], table: dict[str, np.ndarray], is_counted: np.ndarray
) -> dict[str, np.ndarray]:
    """The rows of a table that count."""
    sites = request.card.sites(request.keywords)
    return {n: v[is_counted] if sites[n].dims[:1] == ("N",) else v for n, v in table.items()}
