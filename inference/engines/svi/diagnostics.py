"""The diagnostics of SVI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.diagnostics import Diagnostics, FitKind


@dataclass(frozen=True, kw_only=True, eq=False)
class SVIDiagnostics(Diagnostics):
    """Diagnostics of every training.

    Attributes
    ----------
    guide : str
        The name of the guide.
    epochs : dict of str to ndarray
        The reports of training: for each quantity an array with a number for each report.
    rise, rise_se : float
        By how much the objective rose over the last tenth of the steps, in nats, and its standard error.
    beta : float
        The weight of the KL divergence at the last step.
    elbo : float
        The ELBO of all rows that were trained on, in nats.
    batch_size : int, optional
        Rows of a step, where there are batches.
    rows_held_out : ndarray, optional
        Indices of the validation rows.
    broken : bool
        Whether the objective became NaN or infinite; the fit is then that of the step before.
    num_skips : int, optional
        How many steps were skipped, with the option ``skip_above``. The trace is NaN there.
    stopped : str, optional
        Why training ended early, as a sentence.
    best_step : int, optional
        The step of the fit, where validation rows chose it.
    held_out_elbo_nats_per_row : float, optional
        The ELBO of the validation rows at that step.
    relaxed : dict of str to str, optional
        The sites whose draws were relaxed in training, each with its estimator. The trace, ``epochs``, ``rise`` and
        ``converged`` are then of the objective that was optimised, which is not the bound; ``elbo`` and the ELBO of
        validation rows are of the bound, by hard draws.
    other_modes : float, optional
        The part of the posterior mass, by Laplace's approximation, in modes that ascents from draws of the prior found
        and that the guide is not about.
    """

    kind: ClassVar[FitKind] = "guide"

    guide: str
    epochs: dict[str, np.ndarray]
    rise: float
    rise_se: float
    beta: float
    elbo: float
    batch_size: int | None = None
    rows_held_out: np.ndarray | None = None
    broken: bool = False
    num_skips: int | None = None
    stopped: str | None = None
    best_step: int | None = None
    held_out_elbo_nats_per_row: float | None = None
    relaxed: dict[str, str] | None = None
    other_modes: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class GuideDiagnostics(SVIDiagnostics):
    """Diagnostics of a guide that is drawn from at the end.

    Attributes
    ----------
    elbo_se : float
        The Monte Carlo standard error of ``elbo``.
    """

    elbo_se: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PointDiagnostics(GuideDiagnostics):
    """Diagnostics of a guide without spread: its draws are equal, and the fit is a point."""

    kind: ClassVar[FitKind] = "point"


@dataclass(frozen=True, kw_only=True, eq=False)
class AmortisedDiagnostics(SVIDiagnostics):
    """Diagnostics of an encoder trained with the program.

    Attributes
    ----------
    elbo_nats_per_row : float
        The ELBO of rows that were trained on, by one draw of each.
    kl_by_latent : dict of str to float, optional
        For each latent its part of the KL divergence of the guide from the prior in nats per row, at the same draws; in
        closed form where there is one. Top layer first.
    active_latents : list of str, optional
        The latents of the rows with a KL divergence above 0.01 nats per row.
    bits_per_dimension : float, optional
        ``-elbo_nats_per_row / (D ln 2)`` with D the observed numbers of a row, where all are binary or counts.
    penalty : str, optional
        The penalty that was added to the KL divergence, with its settings. The trace, ``epochs``, ``rise`` and
        ``converged`` are then of the penalised objective; ``elbo`` and the ELBO of validation rows are of the bound.
    kl_terms, kl_terms_se : dict of str to float, optional
        With a penalty, for codes that are one normal latent: the "mutual_information" of rows and codes, the
        "total_correlation" of the codes and their "dimension_wise_kl" in nats per row, and Monte Carlo standard errors.
        They add up to the KL divergence. The aggregate posterior is the mixture of the codes of all rows that were
        trained on, or of up to 10,000 of them.
    kl_by_dimension : ndarray, optional
        With them, the mean KL divergence of each number of the code from its prior in nats per row, (Z,).
    """

    kind: ClassVar[FitKind] = "amortised"

    elbo_nats_per_row: float
    kl_by_latent: dict[str, float] | None = None
    active_latents: list[str] | None = None
    bits_per_dimension: float | None = None
    penalty: str | None = None
    kl_terms: dict[str, float] | None = None
    kl_terms_se: dict[str, float] | None = None
    kl_by_dimension: np.ndarray | None = None
