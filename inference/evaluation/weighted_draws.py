"""What questions that weigh draws need of a fit: draws, enough of them, and their weights."""

from __future__ import annotations

import numpy as np

from inference.result import Fit
from inference.summaries.statistics import MIN_WEIGHTS
from zoo import ZooError


def check_draws(fit: Fit, question: str, instead: str = "fit by nuts, gibbs or svi") -> None:
    """Raise ZooError for a fit without draws, or with too few to weigh."""
    if not fit.draws:
        raise ZooError(f"{question} weighs draws, and a fit by {fit.engine} has none: {instead}")
    chains, draws = next(iter(fit.draws.values())).shape[:2]
    if chains * draws < MIN_WEIGHTS:
        raise ZooError(
            f"{question} weighs draws, of which {chains * draws} are too few: fit with {MIN_WEIGHTS} or more"
        )


def log_weights_of(fit: Fit) -> np.ndarray | None:
    """The logs of the weights p / q of the draws of a guide, (S,); None of chains, whose draws count alike."""
    log_weight = fit.stats.get("log_weight") if fit.kind == "guide" else None
    return None if log_weight is None else np.asarray(log_weight).ravel()
