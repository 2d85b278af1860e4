"""EM from several starts, with progress and the best one kept; the same for both backends and both M-steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.engines import FitRequest
from inference.engines.em.climb import Climb, climb
from inference.engines.starts import labelled
from inference.run.progress import Progress
from zoo import ZooError

if TYPE_CHECKING:
    from inference.engines.em.latent_dirichlet.batch import Climber as LatentDirichlet
    from inference.engines.em.linear_gaussian.climber import Climber as LinearGaussian
    from inference.engines.em.running import Climber


def best_of(
    request: FitRequest, options: dict[str, Any], em: Climber | LinearGaussian | LatentDirichlet
) -> tuple[Climb, dict[str, Any]]:
    """The highest climb over the starts ``em.begin(seed)``, other ones for each seed, and what to say of all of them.

    A start whose solution ``em.check`` refuses is set aside; raises its ZooError if none is left.
    """
    rows = float(options["sample_weight"].sum())
    climbs: list[Climb] = []
    fallen: list[str] = []
    count = 1 if options["start"] is not None else options["restarts"]
    with Progress("em", count * options["max_iter"], request.progress) as progress:
        for restart in range(count):

            def told(iteration: int, value: float, done: int = restart * options["max_iter"]) -> None:
                progress.at(done + iteration, f"{value / rows:.6f} nats per row")

            try:
                found = in_stages(em, em.begin(request.seed * count + restart), options, rows, told)
            except ZooError as error:
                fallen.append(str(error))
                continue
            climbs.append(found)
    if not climbs:
        raise ZooError(fallen[0])
    best = max(climbs, key=lambda c: c.trace[-1])
    said = {
        "start": "given" if options["start"] is not None else labelled(request.card),
        "iterations": len(best.trace) - 1,
        "converged": best.converged,
        "objective": options["objective"],
        "restarts": [float(c.trace[-1]) for c in climbs],
        "collapsed_restarts": len(fallen),
    }
    return best, said


def in_stages(
    em: Climber | LinearGaussian | LatentDirichlet,
    params: Any,
    options: dict[str, Any],
    rows: float,
    told: Callable[[int, float], None],
) -> Climb:
    """EM for as long as its patience lasts, then from where it knows a higher place, if it does."""
    rules: dict[str, Any] = {"tol": options["tol"] * rows, "rounding": em.rounding, "least": em.least}
    patience = min(em.patience or options["max_iter"], options["max_iter"])
    found = climb(em.step, params, max_iter=patience, told=told, check=em.check, **rules)
    if patience == options["max_iter"]:
        return found
    escape_boundary = em.escape_boundary(found.params)
    if escape_boundary is None and found.converged:
        return found
    # going on from the same place, its height is not told twice
    begun = len(found.trace) if escape_boundary is not None else len(found.trace) - 1
    on = climb(
        em.step,
        found.params if escape_boundary is None else escape_boundary,
        max_iter=options["max_iter"] - begun,
        told=lambda iteration, value: told(begun + iteration, value),
        check=em.check,
        **rules,
    )
    return on._replace(trace=np.concatenate([found.trace[:begun], on.trace]))


def criteria(said: dict[str, Any], entropy: float, options: dict[str, Any]) -> dict[str, float]:
    """AIC (Akaike 1974), BIC (Schwarz 1978) and ICL (Biernacki, Celeux and Govaert 2000); smaller is better.

    ICL is BIC plus twice the entropy of the labels. Rows are counted by their weights.
    """
    rows = float(options["sample_weight"].sum())
    deviance = -2 * said["log_likelihood"]
    bic = float(deviance + said["parameters"] * np.log(rows))
    return {"aic": deviance + 2 * said["parameters"], "bic": bic, "icl": bic + 2 * entropy}
