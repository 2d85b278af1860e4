"""Cross-validation of topic models: held-out documents, scored by completion (``inference.topics.held_out``).

Documents are dealt into folds at random; each fold is held out once, and the engine sees the others alone. Of each
held-out document one half tells its topics, and the other is scored; all sizes get the same folds and the same halves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.analysis.topics.held_out import Perplexity, perplexity
from inference.fitting import fit
from inference.result import Fit
from zoo import ZooError


def scores(fits: dict[int, Fit], dealt: list[np.ndarray], seed: int) -> tuple[dict[int, dict[str, Any]], float]:
    """For each size ``cv``, nats a token; ``cv_se``; ``cv_behind_se``; ``perplexity``; and how many tokens were scored.

    Standard errors are over documents; ``cv_behind_se`` is that of the difference to the best, document by document.
    """
    scored: dict[int, Perplexity] = {}
    found: dict[int, dict[str, Any]] = {}
    for size, one in fits.items():
        try:
            scored[size] = held_out(one, dealt, seed)
        except ZooError as error:
            found[size] = {"note": f"cv: {error}"}
    best = max(scored.values(), key=lambda one: one.nats_per_token, default=None)
    for size, one in scored.items():
        found[size] = {
            "cv": one.nats_per_token,
            "cv_se": one.standard_error_nats,
            "cv_behind_se": best.better_than(one).standard_error if best else np.nan,
            "perplexity": one.per_word,
        }
    return found, float(best.tokens.sum()) if best else np.nan


def held_out(whole: Fit, dealt: list[np.ndarray], seed: int) -> Perplexity:
    """Every document scored once, by the fit to the folds that it is not in."""
    (site, corpus), *_ = whole.data.items()
    parts = []
    for fold in dealt:
        seen = np.delete(np.arange(corpus.N), fold)
        where = {"seed": whole.seed, "device": whole.device, "dtype": whole.dtype}
        part = fit(whole.model, {site: corpus.take(seen)}, whole.engine, **where, **whole.options)
        parts.append(perplexity(part, corpus.take(fold), seed=seed))
    order = np.argsort(np.concatenate(dealt))
    log_p, tokens, errors = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("log_likelihood", "tokens", "errors")
    )
    return Perplexity(log_p, tokens, errors, parts[0].method, seed)
