"""New draws from the guide of a fit, each with log p and log p - log q."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import guides
from inference.draws_model import has_program
from inference.engines.contract import FitRequest
from inference.engines.svi.diagnostics import GuideDiagnostics
from inference.engines.svi.options import SVIOptions
from inference.record import FitRecord
from zoo._backend import backend_of, in_backend

OPTIONS = ("guide", "collapsed", "held_out", "batch_size", "minibatches")  # on which the draws depend


class GuideDraws(NamedTuple):
    """Draws of a guide.

    values: (draws, *shape) by site. lp, log_weight: log p and log p - log q, (draws,) each.
    """

    values: dict[str, np.ndarray]
    lp: np.ndarray
    log_weight: np.ndarray


def can_redraw(fit: FitRecord) -> bool:
    """Whether the guide of a fit can be drawn from again.

    It can where it is a family of this library or a function of the user's, which a saved fit does not have; an
    automatic guide of a backend has arrays that are not in the state.
    """
    if fit.engine != "svi" or type(fit.diagnostics) is not GuideDiagnostics or not has_program(fit.model):
        return False
    guide = fit.options["guide"]
    if isinstance(guide, str):
        return guide in guides.families()
    return callable(guide) and guides.is_function(guide, fit.model)


def redraw(fit: FitRecord, count: int, seed: int) -> GuideDraws:
    """Draws of the guide of a fit for which ``can_redraw`` holds."""
    options = SVIOptions().replace({n: fit.options[n] for n in OPTIONS if n in fit.options}, "svi")
    request = FitRequest(fit.model, fit.keywords, fit.data, fit.seed, options, progress=False)
    engine = in_backend("inference.engines.svi", fit.model.backend)
    with backend_of(fit.model).runtime(fit.dtype, fit.device):
        return GuideDraws(*engine.redraw(request, fit.state, count, seed))
