"""EM from door to answer, the same for both languages: what differs between them is a ``Language``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from inference.em import OPTIONS, closed_form, refuses
from inference.em.ascending import best_of, criteria
from inference.em.climb import climb
from inference.em.options import checked
from inference.em.start import labels
from inference.engines import Answer, Task
from zoo.programs import backend_of


class Language(NamedTuple):
    """What EM needs of a backend."""

    Sum: Any  # enumeration's
    ClosedAscent: Any  # exponential_family's
    GeneralAscent: Any  # general's
    in_64_bits: Callable[[], AbstractContextManager[Any]]
    compiled: Callable[[Any], Any]  # a function, made fast where the language can
    array: Callable[[Any], Any]  # numpy to an array of the precision in force
    eps: Callable[[], float]  # the rounding of one operation in that precision
    many: Callable[[Any, Any], Any]  # (function, (S, ...)) -> the function's dict of arrays, stacked


class Climber:
    """One model at one data set under some options: how EM steps on it, and where it begins."""

    def __init__(
        self, language: Language, task: Task, data: Any, keywords: Any, options: dict[str, Any], closed: bool = True
    ):
        self.language, self.task, self.options = language, task, options
        self.backend = backend_of(task.model)
        self.sum = language.Sum(task.model.program, keywords, data)
        weights = language.array(options["sample_weight"])
        self.general = self.ascent = language.GeneralAscent(self.sum, weights, options["objective"])
        module = closed_form.of(task.model, options) if closed else None
        if module:
            (x,) = data.values()
            self.ascent = language.ClosedAscent(module.form(data, keywords, options), x, weights)
        self.log_prior = language.compiled(self.sum.log_prior) if options["objective"] == "map" else lambda params: 0.0
        self.rounding = 1e5 * language.eps() if language.eps() < 1e-10 else 1e-4  # of sums over many rows

    def step(self, params: Any) -> tuple[Any, float]:
        better, value = self.ascent.step(params)
        return better, value + self.log_prior(params)

    def begin(self, seed: int) -> Any:
        if self.options["start"] is not None:
            return {n: self.language.array(v) for n, v in self.options["start"].items()}
        if not self.sum.one_label_a_row:  # nothing for k-means to label: a draw from the prior
            drawn = self.task.model.simulate(seed, **self.task.keywords)
            return {n: self.language.array(drawn[n]) for n in self.task.card.parameters(self.task.keywords)}
        K = self.sum.variables[0].size
        return self.ascent.from_labels(labels(self.task.table, K, seed), K)

    def check(self, params: Any) -> None:
        closed_form.check(self.task.model, self.backend.leave(params), self.task.keywords, self.options)


def run(language: Language, task: Task, data: Any, keywords: Any) -> Answer:
    options = checked(task)
    with _precision(language, task, options):
        em = Climber(language, task, data, keywords, options)
        best, said = best_of(task, options, em.step, em.begin, em.check, em.rounding)
        said["parameters"] = em.general.parameters
        said["log_likelihood"] = float(best.trace[-1] - em.log_prior(best.params))
        said |= criteria(said, em.ascent.entropy(best.params), options)
        return Answer(params=em.backend.leave(best.params), trace=best.trace, diagnostics=said)


def start(language: Language, task: Task, data: Any, keywords: Any, seeds: Iterable[int]) -> list[Any]:
    """Parameters to begin from for each seed, ``{site: array}``, as k-means labels suggest; {} where EM cannot fit."""
    if refuses(task.card, task.model.backend):
        return [{} for _ in seeds]
    options = {**OPTIONS, "objective": "map", "sample_weight": np.ones(task.rows)}
    with _precision(language, task, options):
        em = Climber(language, task, data, keywords, options)
        found = [em.backend.leave(em.begin(seed)) for seed in seeds]
    return [{n: language.array(v) for n, v in params.items()} for params in found]


def information(language: Language, task: Task, data: Any, keywords: Any, params: dict[str, np.ndarray]) -> Any:
    """At ``params``, in numpy: the objective's Hessian, the free numbers, and the way from those, (S, P), to values."""
    general = Climber(language, task, data, keywords, checked(task), closed=False).general
    at = {n: language.array(v) for n, v in params.items()}
    free = np.asarray(general.free(at))
    return general.hessian(at), free, lambda many: language.many(general.constrain, many)


def refitted(
    language: Language,
    task: Task,
    data: Any,
    keywords: Any,
    params: dict[str, np.ndarray],
    resamples: Iterable[np.ndarray],
) -> list[dict[str, np.ndarray]]:
    """EM from ``params`` again for each set of weights (N,): a list of parameters."""
    options = checked(task)
    with _precision(language, task, options):
        em = Climber(language, task, data, keywords, options)
        at = {n: language.array(v) for n, v in params.items()}

        def again(weights: np.ndarray) -> dict[str, np.ndarray]:
            em.ascent.weights = language.array(weights)
            tol = options["tol"] * float(weights.sum())
            found = climb(em.step, at, max_iter=options["max_iter"], tol=tol, rounding=em.rounding)
            return em.backend.leave(found.params)

        return [again(weights) for weights in resamples]


def _precision(language: Language, task: Task, options: dict[str, Any]) -> AbstractContextManager[Any]:
    from contextlib import nullcontext

    # sums of squares in 32 bits lose four digits: a closed form sums in 64, whatever the data is in
    return language.in_64_bits() if closed_form.of(task.model, options) else nullcontext()
