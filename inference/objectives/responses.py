"""Whether the log density has a derivative by a relaxed draw: it has none where the program makes the draw an integer.

Without one, a relaxed estimator learns nothing of the data, and the guide becomes the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from inference.objectives import Objective
from inference.objectives.choice import find
from inference.objectives.forms import RelaxedEstimator
from inference.objectives.noisy import NoisyDraws
from inference.objectives.sites import Run
from zoo.errors import ZooError
from zoo.types import BackendArray

NUM_DRAWS = 3
MORE_NOISE = 2000  # number of the noise of hard draws, above the number of any site
ROUNDING = 1e-6  # a change of the log density, as a part of it, that may be rounding


class Response(NamedTuple):
    """How the log density of all other sites depends on a draw; of several draws, the largest.

    slope: the absolute derivative by an element of the draw. change: the difference between two hard draws that have
    every unit different, as a part of 1 nat and the log density.
    """

    slope: BackendArray
    change: BackendArray


def has_relaxed(objective: Objective) -> bool:
    """Whether some site has a relaxed estimator."""
    return any(isinstance(e, RelaxedEstimator) for _, e in objective.estimators)


def responses(draws: NoisyDraws, key: BackendArray = None) -> dict[str, Response]:
    """The response of each site with a relaxed estimator at one draw."""
    run, by_site = draws.draw_run(key, {}), {}
    for number, name in enumerate(draws.of_kind(RelaxedEstimator)):
        u = draws.functions.uniform(key, MORE_NOISE + number, draws.noise[name].u.shape)
        by_site[name] = response_of(draws, run, name, u)
    return by_site


def response_of(draws: NoisyDraws, run: Run, name: str, u: BackendArray) -> Response:
    """The response at one draw of the guide; u is noise of the shape of a draw."""
    functions, noisy = draws.functions, draws.noise[name]
    values = {n: draws.detach(s["value"]) for n, s in run.latents.items()}

    def others(value: BackendArray) -> BackendArray:
        at = {**values, name: value}
        logs = draws.log_densities(draws.run_program(run, at), run.latents, at)
        prior, guide = ([log for n, log in part.items() if n != name] for part in (logs.prior, logs.guide))
        (rows, rest), (rows_q, rest_q) = draws.sum_sites([*logs.likelihood, *prior]), draws.sum_sites(guide)
        return (rows - rows_q).sum() + rest - rest_q

    slope = functions.slopes(lambda at: others(at["z"]) + 0.0 * at["z"].sum(), {"z": values[name]})["z"]
    level = 0.0 * draws.detach(noisy.logits)
    one, other = (draws.detach(others(noisy.support.draw(level, noise))) for noise in (u, 1 - u))
    return Response(abs(slope).max(), abs(one - other) / (1.0 + abs(one)))


def check_responses(objective: Objective, by_site: Mapping[str, Response]) -> None:
    """Raise ZooError for a site whose hard draws matter while its relaxed draws have no derivative."""
    for name, response in by_site.items():
        if float(response.slope) == 0.0 and float(response.change) > ROUNDING:
            raise ZooError(
                f"{find(objective.by_site, name).name} of {name} learns by the derivative of the log density by its "
                f"draw, and that is 0 everywhere, as of an integer made of {name}: take rloo, disarm where {name} is "
                f"binary, or let the program use {name} itself, as a one-hot vector in {name} @ table"
            )
