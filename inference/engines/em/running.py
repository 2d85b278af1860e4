"""EM from door to answer, the same for both languages: what differs between them is a ``Language``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from inference.engines import EngineResult, FitRequest
from inference.engines.em import ENGINE, closed_form
from inference.engines.em.ascending import best_of, criteria
from inference.engines.em.climb import climb
from inference.engines.em.diagnostics import EMDiagnostics
from inference.engines.em.linear_gaussian import endings
from inference.engines.em.linear_gaussian.climber import Climber as LinearGaussian
from inference.engines.em.options import EMOptions, checked
from inference.unconstrained.kmeans import labels
from zoo._backend import backend_of


class Language(NamedTuple):
    """What EM needs of a backend."""

    EnumeratedDensity: Any  # enumeration's
    ClosedAscent: Any  # exponential_family's
    GeneralAscent: Any  # general's
    in_64_bits: Callable[[], AbstractContextManager[Any]]
    compiled: Callable[[Any], Any]  # a function, made fast where the language can
    array: Callable[[Any], Any]  # numpy to an array of the precision in force
    eps: Callable[[], float]  # the rounding of one operation in that precision
    many: Callable[[Any, Any], Any]  # (function, (S, ...)) -> the function's dict of arrays, stacked


class Climber:
    """One model at one data set under some options: how EM steps on it, and where it begins and ends."""

    patience = None
    least = 1.0  # nats

    def __init__(self, language: Language, request: FitRequest, options: dict[str, Any], closed: bool = True):
        self.language, self.request, self.options = language, request, options
        self.backend = backend_of(request.model)
        data, keywords = self.backend.to_backend(request.table), self.backend.to_backend(request.keywords)
        self.sum = language.EnumeratedDensity(request.model.collapsed or request.model.program, keywords, data)
        weights = language.array(options["sample_weight"])
        self.general = self.ascent = language.GeneralAscent(self.sum, weights, options["objective"])
        module = closed_form.exponential_family_form(request.model) if closed and options["closed_form"] else None
        if module:
            (x,) = data.values()
            self.ascent = language.ClosedAscent(module.form(data, keywords, options), x, weights)
        self.log_prior = language.compiled(self.sum.log_prior) if options["objective"] == "map" else lambda params: 0.0
        self.rounding = 1e5 * language.eps() if language.eps() < 1e-10 else 1e-4  # of sums over many rows

    @cached_property
    def near(self) -> LinearGaussian:
        """Where the closed form would begin; it reads the rows once for all starts."""
        return LinearGaussian(self.request, self.options)

    def step(self, params: Any) -> tuple[Any, float]:
        better, value = self.ascent.step(params)
        return better, value + self.log_prior(params)

    def begin(self, seed: int) -> Any:
        if self.options["start"] is not None:
            return self.to_backend(self.options["start"])
        if self.request.card.linear is not None:  # k-means knows nothing of directions
            return self.to_backend(self.near.to_numpy(self.near.begin(seed)))
        if not self.sum.one_label_a_row:  # nothing for k-means to label: a draw from the prior
            drawn = self.request.model.simulate(seed, **self.request.keywords)
            return self.to_backend({n: drawn[n] for n in self.request.card.parameters(self.request.keywords)})
        K = self.sum.variables[0].size
        return self.ascent.from_labels(labels(self.request.table, K, seed), K)

    def escape_boundary(self, params: Any) -> Any:
        """Where to go on from after ``patience`` iterations, or None to go on from here."""
        return None

    def check(self, params: Any) -> None:
        closed_form.check(self.request.model, self.to_numpy(params), self.request.keywords, self.options)

    def to_backend(self, params: dict[str, np.ndarray]) -> Any:
        return {n: self.language.array(v) for n, v in params.items()}

    def to_numpy(self, params: Any) -> dict[str, np.ndarray]:
        return self.backend.to_numpy(params)

    def ending(self, params: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return self.to_numpy(params), {}

    @property
    def parameters(self) -> int:
        """How many numbers the likelihood leaves free."""
        if self.request.card.linear is not None:
            return endings.parameters(self.request)
        return self.general.parameters

    def entropy(self, params: Any) -> float:
        return self.ascent.entropy(params)

    def reweighted(self, weights: np.ndarray) -> None:
        self.ascent.weights = self.language.array(weights)


def climber(language: Language, request: FitRequest, options: dict[str, Any]) -> Climber | LinearGaussian:
    """EM on this model: the closed form of linear-Gaussian models, or that of a language."""
    if options["closed_form"] and closed_form.linear_gaussian_form(request.model):
        return LinearGaussian(request, options)
    return Climber(language, request, options)


def run(language: Language, request: FitRequest) -> EngineResult:
    variational = closed_form.variational_form(request.card)
    if variational:
        return variational.run(request)
    options = checked(request)
    with _precision(language, request, options):
        em = climber(language, request, options)
        best, said = best_of(request, options, em)
        params, more = em.ending(best.params)
        said["parameters"] = em.parameters
        said["log_likelihood"] = float(best.trace[-1] - em.log_prior(best.params))
        said |= criteria(said, em.entropy(best.params), options) | more
        return EngineResult(params=params, trace=best.trace, diagnostics=EMDiagnostics(**said))


def start(language: Language, request: FitRequest, seeds: Iterable[int]) -> list[Any]:
    """Parameters to begin from for each seed, ``{site: array}``, as EM would; {} where it cannot fit."""
    if ENGINE.refuses(request.card, request.model.backend):
        return [{} for _ in seeds]
    if variational := closed_form.variational_form(request.card):
        found = [variational.begin(request, seed) for seed in seeds]
        return [{n: language.array(v) for n, v in params.items()} for params in found]
    options = {**EMOptions(objective="map").as_dict(), "sample_weight": np.ones(request.rows)}
    with _precision(language, request, options):
        em = climber(language, request, options)
        found = [em.to_numpy(em.begin(seed)) for seed in seeds]
    return [{n: language.array(v) for n, v in params.items()} for params in found]


def information(language: Language, request: FitRequest, params: dict[str, np.ndarray]) -> Any:
    """At ``params``, in numpy: the objective's Hessian, the free numbers, and the way from those, (S, P), to values."""
    general = Climber(language, request, checked(request), closed=False).general
    at = {n: language.array(v) for n, v in params.items()}
    free = np.asarray(general.free(at))
    return general.hessian(at), free, lambda many: language.many(general.constrain, many)


def refitted(
    language: Language, request: FitRequest, params: dict[str, np.ndarray], resamples: Iterable[np.ndarray]
) -> list[dict[str, np.ndarray]]:
    """EM from ``params`` again for each set of weights (N,): a list of parameters."""
    options = {**checked(request), "start": params}
    with _precision(language, request, options):
        em = climber(language, request, options)

        def again(weights: np.ndarray) -> dict[str, np.ndarray]:
            em.reweighted(weights)
            tol = options["tol"] * float(weights.sum())
            at = em.begin(request.seed)
            found = climb(em.step, at, max_iter=options["max_iter"], tol=tol, rounding=em.rounding)
            return em.ending(found.params)[0]

        return [again(weights) for weights in resamples]


def _precision(language: Language, request: FitRequest, options: dict[str, Any]) -> AbstractContextManager[Any]:
    from contextlib import nullcontext

    closed = options["closed_form"] and closed_form.exponential_family_form(request.model)
    # sums of squares in 32 bits lose four digits: a closed form sums in 64, whatever the data is in
    return language.in_64_bits() if closed else nullcontext()
