"""The options of Gibbs sampling for topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.engines.gibbs.options import GibbsOptions
from inference.engines.options import choice, flag, number, whole


@dataclass(frozen=True)
class TopicGibbsOptions(GibbsOptions):
    """Options of ``gibbs`` for topics."""

    most_draws: ClassVar[int | None] = 100

    anneal: float | None = number(
        None,
        "a factor from 1 up",
        lambda v: 1 <= v < np.inf,
        "factor of the hyperparameters at first, which falls to 1 over half of the warm-up; unless given, 10, "
        "or 1 where a start is given",
        optional=True,
    )
    method: str = choice(
        "auto",
        ("auto", "dense", "sparse"),
        "a draw visits all topics, or those of the word first; auto: by the number of topics",
    )
    learn_alpha: str | None = choice(
        None, ("symmetric", "asymmetric"), "learn alpha by Minka's fixed point during the warm-up", optional=True
    )
    learn_eta: bool = flag(False, "learn eta likewise")
    shards: int | None = whole(
        None,
        "groups of documents that are swept side by side; None for what the corpus is large enough for",
        optional=True,
    )
