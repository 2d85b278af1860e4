"""The diagnostics of EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Required, TypedDict

from inference.diagnostics import Diagnostics


@dataclass(frozen=True, kw_only=True, eq=False)
class EMDiagnostics(Diagnostics):
    """Diagnostics of exact EM.

    Attributes
    ----------
    objective : str
        "ml" or "map".
    iterations : int
        Of the best start.
    restarts : list of float
        The last objective of each start, in nats.
    collapsed_restarts : int
        Number of starts that were set aside because a component collapsed.
    parameters : int
        Number of parameters that the likelihood determines.
    log_likelihood : float
        In nats, at the estimate.
    aic, bic, icl, sabic, caic : float
        Information criteria (``running.information_criteria``); smaller is better. The last two are None in fits that
        version 0.1 saved.
    heywood : list or None
        The columns, or [component, column], whose uniqueness is near zero; None where the model has no uniquenesses.
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
    sabic: float | None = None
    caic: float | None = None
    heywood: list[int] | list[list[int]] | None = None


class FurtherDiagnostics(TypedDict, total=False):
    """The fields of ``EMDiagnostics`` that an algorithm computes from its last state."""

    heywood: list[int] | list[list[int]]


class VariationalRun(TypedDict, total=False):
    """The fields of ``VariationalEMDiagnostics`` that describe the iterations."""

    objective: Required[str]
    iterations: int
    converged: bool
    restarts: list[float]
    collapsed_restarts: int


@dataclass(frozen=True, kw_only=True, eq=False)
class VariationalEMDiagnostics(Diagnostics):
    """Diagnostics of variational EM.

    Attributes
    ----------
    objective : str
        "bound".
    tokens : int
        Number of tokens of the corpus.
    iterations, restarts, collapsed_restarts
        As in ``EMDiagnostics``; None where they do not apply.
    bound : float or None
        The evidence lower bound in nats; None where a corpus read online is too large for it.
    bound_per_token : float or None
        The bound divided by the number of tokens.
    """

    objective: str
    tokens: int
    iterations: int | None = None
    restarts: list[float] | None = None
    collapsed_restarts: int | None = None
    bound: float | None = None
    bound_per_token: float | None = None
