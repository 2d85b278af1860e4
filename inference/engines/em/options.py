"""The options of exact EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from inference.engines.contract import FitRequest
from inference.engines.options import EngineOptions, Start, choice, custom, flag, number, whole
from inference.unconstrained import check_start
from zoo import ZooError
from zoo.checks import check_weights
from zoo.data.observed import observed_rows


@dataclass(frozen=True)
class EMOptions(EngineOptions):
    """Options of ``em``."""

    max_iter: int = whole(1000, "iterations at most")
    tol: float = number(
        1e-8, "a gain in nats per row, 0 or more", lambda v: v >= 0, "gain of the objective below which EM stops"
    )
    restarts: int = whole(1, "number of starts, of which the best is kept")
    objective: str = choice(
        "ml", ("ml", "map"), "maximum likelihood, or the mode of the posterior density of the latents on the card"
    )
    sample_weight: ArrayLike | None = custom(None, "an array (N,)", "weight of each row; 2 counts a row twice")
    covariance_floor: float | None = number(
        None,
        "a number above 0",
        lambda v: v > 0,
        "smallest eigenvalue of a component's covariance, or noise of a factor model, where columns have variance one; "
        "unless given, a component that collapses is an error",
        optional=True,
    )
    start: Start | None = custom(
        None,
        "a dict of arrays, for some or all parameters",
        "parameters to begin from; the others begin as usual",
    )
    closed_form: bool = flag(True, "use the M-step in closed form, where the model has one")


@dataclass(frozen=True)
class PreparedOptions:
    """The options of exact EM, completed for one data set.

    sample_weight: (N,), ones where the user gives none. start: arrays of the shapes of the parameters, for those that
    the user gives. restarts: one where these are all. The other fields are those of ``EMOptions``.
    """

    max_iter: int
    tol: float
    restarts: int
    objective: str
    sample_weight: np.ndarray
    covariance_floor: float | None
    start: dict[str, np.ndarray]
    closed_form: bool

    @property
    def is_map(self) -> bool:
        """Whether the objective is the posterior density."""
        return self.objective == "map"

    @property
    def total_weight(self) -> float:
        """The number of rows, counted by their weights."""
        return float(self.sample_weight.sum())


def prepare_options(request: FitRequest[EMOptions]) -> PreparedOptions:
    """The options of a request as arrays; raises ZooError where they do not fit the model or the data."""
    options, N = request.options, request.rows
    if options.objective == "ml" and request.card.hyper:
        hyper = ", ".join(request.card.hyper)
        raise ZooError(f"the likelihood does not depend on {hyper}: fit {request.card.name} with objective='map'")
    given = options.sample_weight
    # equal weights take no memory: rows on disk may be more than it holds
    weight = np.broadcast_to(1.0, N) if given is None else check_weights(given, N)
    is_observed = observed_rows(request.card, request.table, request.keywords)
    if is_observed is not None and not is_observed.all() and not request.card.is_own:
        weight = weight * is_observed  # such a row says nothing; those of a user's program may depend on each other
    sites = request.card.parameters(request.keywords)
    shapes, start = {n: s.shape(request.keywords) for n, s in sites.items()}, {}
    if options.start is not None:
        start = check_start(options.start, shapes, sites)
    restarts = 1 if start.keys() == shapes.keys() else options.restarts
    return PreparedOptions(**{**options.as_dict(), "sample_weight": weight, "start": start, "restarts": restarts})
