"""The results of SVI, the same for both backends."""

from __future__ import annotations

import warnings
from typing import TypedDict

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.starts import NO_STARTS, Starts
from inference.engines.svi.bits import bits_per_dimension
from inference.engines.svi.convergence import convergence
from inference.engines.svi.diagnostics import AmortisedDiagnostics, GuideDiagnostics, PointDiagnostics
from inference.engines.svi.evaluation.terms import kl_terms
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.record import TrainingRecord
from inference.engines.svi.relaxed import relaxed_sites
from inference.engines.svi.rows import TrainingRows
from inference.engines.svi.training import Trainer, not_finite
from inference.engines.svi.training.skipping import MAX_NOT_FINITE
from inference.objectives.words import text_of
from zoo.errors import DensityError

ACTIVE_KL = 0.01  # nats per row, above which a latent tells anything about its row
ELBO_DRAWS = 100  # draws, at least, for the estimate of the ELBO
MAX_SKIPS = 0.1  # of the steps, without a warning
ELBO_ROWS = 10_000  # rows, at most, for that of an amortised guide


class TrainingFields(TypedDict):
    """The fields of ``SVIDiagnostics`` that follow from the training alone."""

    start: str | None
    guide: str
    epochs: dict[str, np.ndarray]
    converged: bool
    rise: float
    rise_se: float
    beta: float
    batch_size: int | None
    rows_held_out: np.ndarray | None
    broken: bool
    num_skips: int | None
    stopped: str | None
    best_step: int | None
    held_out_elbo_nats_per_row: float | None
    relaxed: dict[str, str] | None
    other_modes: float | None


def training_diagnostics(
    request: FitRequest[SVIOptions],
    plan: TrainingPlan,
    rows: TrainingRows,
    record: TrainingRecord,
    trainer: Trainer,
    starts: Starts = NO_STARTS,
) -> TrainingFields:
    """The fields of ``SVIDiagnostics``, but for the ELBO. starts: how they were found, and other modes."""
    trace = record.trace[:, 0]
    trend = convergence(trace[~np.isnan(trace)], plan.steps_per_epoch)
    num_skips = record.num_skips if request.options.skip_above else None
    if num_skips and num_skips > MAX_SKIPS * record.num_steps:
        warnings.warn(
            f"{num_skips} of {record.num_steps} steps were skipped: lower learning_rate, or raise skip_above",
            stacklevel=2,
        )
    converged, stopped = bool(trend["converged"]), None
    if record.is_broken:
        step = record.num_steps + 1
        converged = False
        cause = not_finite(request.options, record.num_steps)
        stopped = f"{cause} was not a number at step {step}: the guide is that of the step before"
        if num_skips is not None:
            stopped = f"{cause} was not a number in {MAX_NOT_FINITE} steps in a row, up to step {step}"
    elif record.num_steps < plan.num_steps:  # nothing was gained
        converged = True
        if record.best:
            stopped = f"the rows held out gained nothing after step {record.best_step}, which is the fit"
    is_best = bool(record.best) and not record.is_broken
    return {
        "start": starts.method or None,
        "guide": request.options.guide_name,
        "epochs": {n: np.array(v) for n, v in record.reports.items()},
        "converged": converged,
        "rise": trend["rise"],
        "rise_se": trend["rise_se"],
        "beta": plan.final_beta(record.num_steps - 1),
        "batch_size": rows.batch_size or None,
        "rows_held_out": rows.validation if len(rows.validation) else None,
        "broken": record.is_broken,
        "num_skips": num_skips,
        "stopped": stopped,
        "best_step": record.best_step if is_best else None,
        "held_out_elbo_nats_per_row": record.best_held_out if is_best else None,
        "other_modes": float(sum(starts.masses[1:])) or None,
        "relaxed": relaxed_sites(request.options.make_objective(), trainer.discrete) or None,
    }


def guide_result(
    request: FitRequest[SVIOptions],
    training: TrainingFields,
    record: TrainingRecord,
    trainer: Trainer,
    values: dict[str, np.ndarray],
    lp: np.ndarray,
    log_weight: np.ndarray,
    guide_arrays: dict[str, np.ndarray],
) -> EngineResult:
    """The result from draws of the trained guide.

    values: (draws, *shape). lp, log_weight: log p and log p - log q, (draws,) each. guide_arrays: arrays of the guide
    that are not trained, for the state.
    """
    if (lp == -np.inf).any():
        raise DensityError(
            f"{(lp == -np.inf).sum()} of {len(lp)} draws of the guide have the density 0, so that its ELBO is -inf: "
            "run nuts, or take a guide whose draws are possible"
        )
    weights, trace = trainer.weights(), record.trace[:, 0]
    learned, state = {n: weights[n] for n in trainer.learned}, {**weights, **guide_arrays}
    power = np.frexp(np.abs(log_weight).max())[1]  # in units of a power of two, squares of large numbers are finite
    sd = np.ldexp(np.ldexp(log_weight, -power).std(ddof=1), power)
    elbo, elbo_se = float(log_weight.mean()), float(sd / np.sqrt(len(log_weight)))
    if all((v == v[0]).all() for v in values.values()):  # a guide without spread is a point
        point = {n: v[0] for n, v in values.items()}
        return EngineResult(
            {**point, **learned}, trace, PointDiagnostics(**training, elbo=elbo, elbo_se=elbo_se), state=state
        )
    first = slice(None, request.options.num_draws)
    draws = {n: v[None, first] for n, v in values.items()}
    stats = {"lp": lp[None, first], "log_weight": log_weight[None, first]}
    return EngineResult(learned, trace, GuideDiagnostics(**training, elbo=elbo, elbo_se=elbo_se), draws, stats, state)


class PenaltyFields(TypedDict, total=False):
    """The fields of ``AmortisedDiagnostics`` of objectives with a penalty."""

    penalty: str
    kl_terms: dict[str, float]
    kl_terms_se: dict[str, float]
    kl_by_dimension: np.ndarray | None


def penalty_fields(
    request: FitRequest[SVIOptions], plan: TrainingPlan, trainer: Trainer, sample: np.ndarray
) -> PenaltyFields:
    """The penalty, and the terms of the KL divergence by the codes of some rows that were trained on."""
    penalty = request.options.make_objective().penalty
    if penalty is None:
        return {}
    fields: PenaltyFields = {"penalty": text_of(penalty)}
    codes = trainer.codes(sample)
    if codes is None or len(codes.mean) < 2:
        return fields
    estimates, errors = kl_terms(codes, plan.num_rows)
    by_dimension = None if codes.kl_by_dimension is None else codes.kl_by_dimension.mean(0)
    return {**fields, "kl_terms": estimates, "kl_terms_se": errors, "kl_by_dimension": by_dimension}


def amortised_result(
    request: FitRequest[SVIOptions], plan: TrainingPlan, rows: TrainingRows, record: TrainingRecord, trainer: Trainer
) -> EngineResult:
    """The result of an amortised guide: what was learned, and the bound of rows trained on, by one draw of each.

    For latents outside the rows it has the guide's means, from draws that are not stored.
    """
    weights = trainer.weights()
    sample = rows.training[:: -(-len(rows.training) // ELBO_ROWS)]
    elbo, kl = trainer.evaluate(sample)
    training = training_diagnostics(request, plan, rows, record, trainer)
    sites = request.card.sites(request.keywords)
    observed = {n: sites[n] for n in request.card.observed if n in request.table}
    in_rows = [n for n in request.card.latents if "N" in sites[n].dims]
    kl = {n: kl[n] for n in (*request.card.latents, *kl) if n in kl}  # top layer first, as the card has them
    diagnostics = AmortisedDiagnostics(
        **training,
        elbo_nats_per_row=elbo,
        elbo=elbo * plan.num_rows,
        kl_by_latent=kl,
        active_latents=[n for n in kl if n in in_rows and abs(kl[n]) > ACTIVE_KL],
        bits_per_dimension=bits_per_dimension(elbo, observed, rows.take(sample)),
        **penalty_fields(request, plan, trainer, sample),
    )
    params = {n: weights[n] for n in trainer.learned}
    if any("N" not in sites[n].dims for n in request.card.latents):
        params |= trainer.latent_means(ELBO_DRAWS)
    return EngineResult(params, record.trace[:, 0], diagnostics, state=weights)
