"""From a task to an answer."""

from __future__ import annotations

import numpy as np

from inference.engines import EngineResult, FitRequest
from inference.engines.em.latent_dirichlet import batch, online
from inference.engines.em.latent_dirichlet.ending import answer
from inference.engines.em.latent_dirichlet.options import VariationalEMOptions, checked
from inference.engines.em.latent_dirichlet.start import corpus_of
from inference.engines.em.latent_dirichlet.threads import Threads

OPENINGS = 4  # topics often merge: of the bars half of all openings find all ten


def begin(request: FitRequest, seed: int) -> dict[str, np.ndarray]:
    """phi (K, V) and theta (N, K) where the best of a few openings leaves them."""
    with Threads(None) as threads:
        em = batch.LatentDirichletEM(request, VariationalEMOptions().as_dict(), threads)
        states = [em.initialize(OPENINGS * seed + i) for i in range(OPENINGS)]
        state = max(states, key=lambda state: em.step(state)[1])
    gamma = state.gamma[:, : em.K].astype(float)
    return {"phi": (state.lam / state.lam.sum(0)).T, "theta": gamma / gamma.sum(1, keepdims=True)}


def run(request: FitRequest) -> EngineResult:
    options = checked(request)
    with Threads(options["threads"]) as threads:
        found = (online.streamed if options["online"] else batch.climbed)(request, options, threads)
    return answer(found, options, corpus_of(request).total)
