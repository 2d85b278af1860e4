"""The diagnostics of EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.diagnostics import Diagnostics


@dataclass(frozen=True, kw_only=True, eq=False)
class EMDiagnostics(Diagnostics):
    """Diagnostics of exact EM.

    restarts: the objective that each start reached, in nats; collapsed_restarts: how many starts were set aside since a
    component collapsed. parameters: how many numbers the likelihood leaves free. log_likelihood: in nats, at the
    estimate. aic, bic, icl: smaller is better. heywood: the columns, or [component, column], whose uniqueness is next
    to nothing; None where the model has none.
    """

    objective: str
    iterations: int
    restarts: list[float]
    collapsed_restarts: int
    parameters: int
    log_likelihood: float
    aic: float
    bic: float
    icl: float
    heywood: list[Any] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class VariationalEMDiagnostics(Diagnostics):
    """Diagnostics of variational EM.

    bound: the evidence lower bound in nats, None where a corpus that was read online is too large for it. tokens: of
    the corpus.
    """

    objective: str
    tokens: int
    iterations: int | None = None
    restarts: list[float] | None = None
    collapsed_restarts: int | None = None
    bound: float | None = None
    bound_per_token: float | None = None
