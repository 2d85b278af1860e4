"""The diagnostics of SVI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.diagnostics import Diagnostics, FitKind


@dataclass(frozen=True, kw_only=True, eq=False)
class SVIDiagnostics(Diagnostics):
    """What every training tells.

    guide: its name. epochs: how training went, an array for each quantity with a number for each lap. rise, rise_se: by
    how much the objective rose over the last tenth of the steps, in nats, and its standard error. beta: the weight of
    the KL divergence at the last step. rows_held_out: the validation rows. broken: whether the objective became
    something else than a number, after which the step before is the fit. stopped: why training ended early, as a
    sentence. best_step, held_out_elbo_nats_per_row: of the weights kept, where there are validation rows. elbo: nats.
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
    stopped: str | None = None
    best_step: int | None = None
    held_out_elbo_nats_per_row: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class GuideDiagnostics(SVIDiagnostics):
    """Of a guide that is drawn from at the end; elbo_se: the Monte Carlo standard error of ``elbo``."""

    elbo_se: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PointDiagnostics(GuideDiagnostics):
    """Of a guide without spread: its draws are all alike, and the fit is a point."""

    kind: ClassVar[FitKind] = "point"


@dataclass(frozen=True, kw_only=True, eq=False)
class AmortisedDiagnostics(SVIDiagnostics):
    """Of an encoder trained with the program: the ELBO of rows trained on, by one draw of each."""

    kind: ClassVar[FitKind] = "amortised"

    elbo_nats_per_row: float
