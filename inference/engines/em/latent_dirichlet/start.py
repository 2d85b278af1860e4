"""Where variational EM begins."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from inference.engines import FitRequest
from zoo.data.corpus import Corpus


def corpus_of(request: FitRequest) -> Corpus:
    return cast(Corpus, request.table["w"])


def hyperparameters(request: FitRequest, options: dict[str, Any]) -> tuple[np.ndarray, float]:
    """alpha (K,) and eta: those of the start, if it learned them, else of the model."""
    given = {**request.keywords, **(options["start"] or {})}
    return np.broadcast_to(np.asarray(given["alpha"], float), request.keywords["K"]).copy(), float(given["eta"])


def first_topics(request: FitRequest, options: dict[str, Any], seed: int) -> np.ndarray:
    """lambda (V, K): of the start; or a tenth up or down of one for each word and topic, which is as good as any."""
    V, K, start = request.keywords["V"], request.keywords["K"], options["start"] or {}
    if "lambda" in start:
        return np.ascontiguousarray(start["lambda"].T)
    if "phi" in start:  # as sure of it as if its share of the corpus had been counted
        eta = float(request.keywords["eta"])
        return np.ascontiguousarray(eta + corpus_of(request).total / K * start["phi"].T)
    return np.ascontiguousarray(np.random.default_rng(seed).gamma(100.0, 0.01, (K, V)).T)
