"""The options and diagnostics of Pathfinder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.diagnostics import Diagnostics, FitKind
from inference.engines.options import EngineOptions, Start, custom, flag, whole


@dataclass(frozen=True)
class PathfinderOptions(EngineOptions):
    """Options of ``pathfinder``."""

    num_paths: int = whole(4, "number of paths, each from a start of its own")
    num_draws: int = whole(1000, "draws of the mixture of the paths' approximations")
    max_iter: int = whole(200, "steps of L-BFGS on each path")
    history: int = whole(6, "steps from which L-BFGS and the approximations take the curvature")
    elbo_draws: int = whole(25, "draws for the ELBO of each point of a path")
    start: Start | None = custom(
        None,
        "a dict of arrays, for some or all latents",
        "values at which every other path begins; others begin as usual",
    )
    collapsed: bool = flag(True, "use the program with the latents of the rows integrated out, where there is one")


@dataclass(frozen=True, kw_only=True, eq=False)
class PathfinderDiagnostics(Diagnostics):
    """Diagnostics of ``pathfinder``.

    Attributes
    ----------
    elbo : float
        The ELBO of the mixture, in nats.
    elbo_se : float
        Its Monte Carlo standard error.
    elbo_by_path : list of float
        The highest ELBO on each path, in nats.
    weight_by_path : list of float
        The proportion of each path in the mixture.
    steps_by_path : list of int
        How many steps of L-BFGS each path has.
    failed_paths : int or None
        How many paths had no point with a finite ELBO; None where every path has one.
    """

    kind: ClassVar[FitKind] = "guide"

    elbo: float
    elbo_se: float
    elbo_by_path: list[float]
    weight_by_path: list[float]
    steps_by_path: list[int]
    failed_paths: int | None = None
