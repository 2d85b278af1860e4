"""``gradient_report``: draws of every estimator at the same parameters, and their moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from inference.evaluation.gradients.assignments import MAX_ASSIGNMENTS, count_assignments
from inference.evaluation.gradients.moments import (
    MAX_BATCHES,
    GradientDraws,
    batch_sizes,
    group_moments,
    parameter_groups,
)
from inference.evaluation.gradients.record import ALL, EstimatorMoments, Reference
from inference.evaluation.gradients.result import GradientReport
from inference.evaluation.gradients.setup import GradientProblem, make_problem
from inference.objectives import Objective, estimators
from inference.objectives.estimators import EVERY_SITE, Estimator
from inference.record import FitRecord
from inference.run.progress import Progress
from zoo import Model, ZooError
from zoo._backend import backend_of, in_backend
from zoo.checks import check_seed, check_whole
from zoo.types import DataLike

MAX_ENUMERATED_RUNS = 50_000  # of the program, where continuous latents are drawn for each assignment
REFERENCE_FACTOR = 10  # draws of a reference with an error, at most, as a multiple of those of an estimator
NO_SECOND_BOUND = "enumerated values of iwae are inside of another bound, which has no draws of them"


class Candidate(NamedTuple):
    """An estimator of the report.

    objective: with its estimators. chosen: the estimator of each site that is drawn. num_values: those enumerated.
    """

    objective: Objective
    chosen: dict[str, Estimator]
    num_values: int

    @property
    def num_particles(self) -> int:
        """Draws of the guide in one gradient."""
        return max([self.objective.num_particles, *(e.min_particles for e in self.chosen.values())])

    @property
    def evaluations(self) -> int:
        """Runs of the program in one gradient: coupled draws of a site are further runs."""
        further = sum(e.evaluations_per_draw - 1 for e in self.chosen.values())
        return self.num_particles * self.num_values * (1 + further)

    @property
    def is_unbiased(self) -> bool:
        """Whether the estimators of all sites are."""
        return all(e.is_unbiased for e in self.chosen.values())


def gradient_report(
    model: Model,
    data: DataLike = None,
    *,
    estimators: Iterable[str | Estimator | Mapping[str, str | Estimator]] | None = None,
    at: FitRecord | None = None,
    num_draws: int = 500,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    **options: Any,
) -> GradientReport:
    """Measure the bias and the variance of gradient estimators for discrete latents that the guide of svi draws.

    The gradient is that of the objective per row, in nats, with respect to the unconstrained parameters, which are the
    same in every draw, as the rows are. It is compared with the sum over all values of the discrete latents where these
    are at most 4096, else with the mean of ten times as many draws of the unbiased estimator with the least variance.

    Parameters
    ----------
    model : Model
        The model; of the user's own ``zoo.read(program, ...)``, or ``zoo.Model(program, backend=...)``.
    data : array, DataFrame, tuple or dict, optional
        As ``inference.fit`` takes it; by default that of the fit, or of the reading.
    estimators : iterable of str, Estimator or dict of str to these, optional
        As the option ``gradient`` of svi: for all discrete sites, or by site. By default every estimator by name that
        suits the guide; the report has the reasons of the others.
    at : Fit, optional
        A fit by svi, at whose parameters the gradients are drawn, with its guide and objective. By default the initial
        parameters of training.
    num_draws : int, default 500
        Draws of each estimator, from 2 up; above 50 rounded up to a multiple of 50.
    seed : int, default 0
        Seed of the draws, of the rows of a batch, and of the initial parameters.
    device : str, default "cpu"
    dtype : {"float64", "float32"}, optional
        "float64" by default on a CPU.
    progress : bool, default False
        Whether to show a progress bar on stderr.
    **options
        Options of svi: ``guide``, ``objective``, ``num_particles`` (for ``elbo`` more where an estimator takes more),
        ``kl``, ``beta``, ``warm_up``, ``collapsed``, and ``batch_size``, a number of rows in the place of all.

    Returns
    -------
    GradientReport
        Printed it is a table by estimator and group of parameters, the first part of a parameter's name.

    Raises
    ------
    ZooError
        Where the guide draws no discrete latent, an estimator is unknown or does not suit the guide, or ``at`` is no
        fit of the model by svi.

    References
    ----------
    Mohamed, Rosca, Figurnov and Mnih (2020), "Monte Carlo gradient estimation in machine learning", JMLR 21.

    Examples
    --------
    >>> print(gradient_report(zoo.load("sigmoid_belief_network", L=1, Z=4), x, num_draws=200))  # doctest: +SKIP
    """
    if not isinstance(model, Model):
        raise ZooError("gradient_report takes a model: zoo.load(name, ...), or zoo.Model(program, backend=...)")
    check_whole(2, num_draws=num_draws)
    check_seed(seed)
    chosen = label_estimators(estimators)
    problem = make_problem(model, data, at, seed, options)
    with backend_of(problem.request.model).runtime(dtype, device):
        sampler = in_backend(__package__ or "", problem.request.model.backend).GradientSampler(problem)
        candidates, skipped = choose_candidates(sampler, problem, chosen, is_default=estimators is None)
        draws: dict[str, GradientDraws] = {}
        with Progress("gradients", len(candidates) + 1, progress) as bar:
            for i, (label, candidate) in enumerate(candidates.items()):
                bar.update(i, label)
                draws[label] = sampler.draw(candidate.objective, *batch_sizes(num_draws), seed=seed_of(label, seed))
            bar.update(len(candidates), "reference")
            means, reference = make_reference(sampler, problem, candidates, draws, num_draws, seed)
    return GradientReport(
        title=describe(problem, at),
        estimators=measure(sampler, candidates, draws, means, seed),
        reference=reference,
        skipped=skipped,
        num_draws=next(iter(draws.values())).num_draws,
        rows=problem.plan.batch_size or problem.plan.num_rows,
        backend=problem.request.model.backend,
    )


def seed_of(label: str, seed: int) -> int:
    """The seed of the draws of one estimator: they are independent of those of the others."""
    return int(np.random.SeedSequence([seed, crc32(label.encode())]).generate_state(1)[0] >> 1)


def label_estimators(given: Iterable[Any] | None) -> dict[str, dict[str, Estimator]]:
    """The estimators by site, by the text that names them; raises ZooError for an unknown one."""
    if given is None:
        given = [name for name in estimators.names() if name != "auto"]
    elif isinstance(given, str | Estimator | Mapping):
        given = [given]
    made = [estimators.by_site(one) for one in given]
    if not made:
        raise ZooError("estimators is empty: name some, such as ['disarm', 'rloo'], or leave it out for all that suit")
    return {label_of(one): one for one in made}


def label_of(by_site: Mapping[str, Estimator]) -> str:
    """The text that names estimators by site, with the settings that differ from their defaults.

    >>> label_of(estimators.by_site({"z1": "disarm", "z2": "rloo"}))
    'z1: disarm, z2: rloo'
    """

    def text(estimator: Estimator) -> str:
        changed = [f for f in fields(estimator) if getattr(estimator, f.name) != f.default]
        settings = ", ".join(f"{f.name}={getattr(estimator, f.name)!r}" for f in changed)
        return f"{estimator.name}({settings})" if settings else estimator.name

    return ", ".join(f"{site}: {text(e)}" if site != EVERY_SITE else text(e) for site, e in by_site.items())


def choose_candidates(
    sampler: Any, problem: GradientProblem, given: Mapping[str, dict[str, Estimator]], is_default: bool
) -> tuple[dict[str, Candidate], dict[str, str]]:
    """The estimators that suit the guide, and the reasons of the others, which raise unless they are the default."""
    candidates: dict[str, Candidate] = {}
    skipped: dict[str, str] = {}
    for label, by_site in given.items():
        try:
            objective = problem.objective(by_site)
            candidate = Candidate(objective, *choose_sites(sampler, objective, label))
            if objective.name == "iwae" and candidate.num_values > 1 and is_default:
                raise ZooError(NO_SECOND_BOUND)
            candidates[label] = candidate
        except ZooError as error:
            if not is_default:
                raise
            skipped[label] = str(error)
    if not candidates:
        raise ZooError(f"no estimator suits the guide: {next(iter(skipped.values()))}")
    return candidates, skipped


def choose_sites(sampler: Any, objective: Objective, label: str) -> tuple[dict[str, Estimator], int]:
    """As ``GradientSampler.choose``; raises ZooError too where a backend has no list of the values of a site."""
    try:
        return sampler.choose(objective)
    except NotImplementedError as error:
        raise ZooError(f"{label} needs sites of single numbers in the plate N: take rloo or disarm") from error


def make_reference(
    sampler: Any,
    problem: GradientProblem,
    candidates: Mapping[str, Candidate],
    draws: Mapping[str, GradientDraws],
    num_draws: int,
    seed: int,
) -> tuple[np.ndarray, Reference]:
    """The reference: its batch means, (B, P), or where it is exact (P,); and its record."""
    latents, are_all = sampler.discrete_latents()
    count = count_assignments(latents) if latents is not None else MAX_ASSIGNMENTS + 1
    is_elbo = next(iter(candidates.values())).objective.name == "elbo"
    if is_elbo and count <= MAX_ASSIGNMENTS and are_all:
        exact = sampler.enumerate(latents, 1, 1, seed)
        source = f"enumerated: the exact sum over {count} values of the discrete latents"
        return exact.means[0], Reference(source, True, 1, *norms(sampler, exact.means[0], None))
    affordable = min(REFERENCE_FACTOR * num_draws, MAX_ENUMERATED_RUNS // count)
    if is_elbo and count <= MAX_ASSIGNMENTS and affordable >= min(num_draws, MAX_BATCHES):
        repeated = sampler.enumerate(latents, *same_batches(draws, affordable), seed_of("reference", seed))
        source = (
            f"enumerated: the sum over {count} values of the discrete latents, the mean of {repeated.num_draws} draws "
            "of the continuous ones"
        )
    else:
        unbiased = {n: d for n, d in draws.items() if candidates[n].is_unbiased}
        if not unbiased:
            raise ZooError(
                "the values of the discrete latents are too many to be summed, so that the report needs an unbiased "
                f"estimator as a reference: add 'rloo' or 'reinforce' to {', '.join(draws)}"
            )
        best = min(unbiased, key=lambda n: variance_of(draws[n]))
        sizes = same_batches(draws, REFERENCE_FACTOR * num_draws)
        repeated = sampler.draw(candidates[best].objective, *sizes, seed_of("reference", seed))
        source = f"the mean of {repeated.num_draws} further draws of {best}, which is unbiased"
    record = Reference(source, False, repeated.num_draws, *norms(sampler, repeated.means.mean(0), repeated))
    return repeated.means, record


def same_batches(draws: Mapping[str, GradientDraws], count: int) -> tuple[int, int]:
    """As many batches as the draws of estimators have, so that they pair, and the size of each for ``count`` draws."""
    batches = len(next(iter(draws.values())).means)
    return batches, max(1, -(-count // batches))


def variance_of(draws: GradientDraws) -> float:
    """The trace of the covariance of one draw of the gradient of all parameters."""
    every = np.arange(draws.means.shape[1])
    return group_moments(draws, draws.means.mean(0), every, range(draws.squares.shape[1]), seed=0).variance


def groups_of(sampler: Any) -> dict[str, tuple[np.ndarray, list[int]]]:
    """The entries of the gradient and the parameters of each group; that of all is last where there are several."""
    owner = np.repeat(np.arange(len(sampler.sizes)), sampler.sizes)
    groups = {n: (np.flatnonzero(np.isin(owner, own)), own) for n, own in parameter_groups(sampler.names).items()}
    every = np.arange(len(owner)), list(range(len(sampler.sizes)))
    return {**groups, ALL: every} if len(groups) > 1 else groups


def norms(sampler: Any, mean: np.ndarray, draws: GradientDraws | None) -> tuple[dict[str, float], dict[str, float]]:
    """The norm of the reference by group, and the size of its error, with which the norm is corrected."""
    lengths, errors = {}, {}
    for name, (entries, parameters) in groups_of(sampler).items():
        error = 0.0
        if draws is not None:
            zero = np.zeros_like(mean)
            error = group_moments(draws, zero, entries, parameters, seed=0).variance / draws.num_draws
        lengths[name] = float(np.sqrt(max((mean[entries] ** 2).sum() - error, 0.0)))
        errors[name] = float(np.sqrt(error))
    return lengths, errors


def measure(
    sampler: Any,
    candidates: Mapping[str, Candidate],
    draws: Mapping[str, GradientDraws],
    reference: np.ndarray,
    seed: int,
) -> dict[str, EstimatorMoments]:
    """The moments of each estimator."""
    groups, measured = groups_of(sampler), {}
    for label, one in candidates.items():
        moments = {n: group_moments(draws[label], reference, *group, seed=seed) for n, group in groups.items()}
        measured[label] = EstimatorMoments(
            moments, one.num_particles, one.evaluations, draws[label].seconds, one.is_unbiased
        )
    return measured


def describe(problem: GradientProblem, at: FitRecord | None) -> str:
    """The title of a report."""
    options = problem.request.options
    objective = options.make_objective().name
    where = "at the initial parameters" if at is None else "at the parameters of the fit"
    return f"{problem.request.model.name}, guide {options.guide_name}, {objective}, {where}"
