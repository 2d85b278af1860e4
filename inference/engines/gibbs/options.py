"""The options and diagnostics of Gibbs sampling."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from inference.diagnostics import Diagnostics, FitKind
from inference.engines.contract import FitRequest
from inference.engines.options import EngineOptions, Start, custom, whole
from zoo import ZooError

MOST_NUMBERS = 1 << 24  # of all draws together, by default: 128 MiB


@dataclass(frozen=True)
class GibbsOptions(EngineOptions):
    """Options of ``gibbs`` for every model. A sweep draws every discrete latent once.

    most_draws: of each chain, where ``num_draws`` is None.
    """

    most_draws: ClassVar[int | None] = None

    num_warmup: int = whole(500, "warm-up sweeps of each chain", least=0)
    num_samples: int = whole(500, "sweeps of each chain after the warm-up")
    num_chains: int = whole(1, "number of chains; the estimate is that of the one with the highest mean log p")
    num_draws: int | None = whole(
        None,
        "sweeps, evenly spaced, that also give a draw of the parameters; 0 for none, None for all (100 of topics, "
        "K V + N K numbers each), or as many as take 128 MiB",
        least=0,
        optional=True,
    )
    every: int = whole(5, "one in so many sweeps counts in the estimate")
    threads: int | None = whole(None, "number of threads, one for each core unless given", optional=True)
    start: Start | Sequence[Start] | None = custom(
        None,
        "a dict of arrays, for some or all continuous latents, or a list of one for each chain",
        "values at which the chains begin, the same or, with chains first, of each; other latents begin as usual",
    )
    checkpoint: str | os.PathLike[str] | None = custom(
        None, "a folder", "where the run is saved, and from where it continues, with more num_samples as well"
    )
    checkpoint_every: int = whole(100, "sweeps between two checkpoints")


@dataclass(frozen=True, kw_only=True, eq=False)
class GibbsDiagnostics(Diagnostics):
    """Diagnostics of ``gibbs``.

    sweeps: in all, warm-up included. kept_sweeps: those that the estimate averages. draws_kept: draws of each chain.
    method, shards: as used. tokens: of the corpus, or steps of all sequences; tokens_per_second: swept, None where no
    sweep was timed. lp_by_chain: the mean log density of each chain, in nats; chain: the one of the estimate.
    """

    kind: ClassVar[FitKind] = "chains"

    sweeps: int
    kept_sweeps: int
    draws_kept: int
    method: str
    shards: int
    tokens: int
    tokens_per_second: float | None = None
    lp_by_chain: list[float]
    chain: int


@dataclass(frozen=True, kw_only=True, eq=False)
class GibbsPointDiagnostics(GibbsDiagnostics):
    """Diagnostics of a run that keeps no draws: the fit is a point."""

    kind: ClassVar[FitKind] = "point"


def latent_shapes(request: FitRequest[GibbsOptions]) -> dict[str, tuple[int, ...]]:
    """The shapes of the continuous latents by name."""
    sites = request.card.sites(request.keywords)
    return {n: sites[n].shape(request.keywords) for n in request.card.latents if n not in request.card.enumerated}


def number_of_draws(request: FitRequest[GibbsOptions]) -> int:
    """The number of draws to keep; raises ZooError where it exceeds the number of sweeps."""
    options = request.options
    if options.num_draws is None:
        numbers = options.num_chains * sum(int(np.prod(shape)) for shape in latent_shapes(request).values())
        most = options.num_samples if options.most_draws is None else options.most_draws
        return max(1, min(most, options.num_samples, MOST_NUMBERS // numbers))
    if options.num_draws > options.num_samples:
        raise ZooError(f"num_draws={options.num_draws} of num_samples={options.num_samples} sweeps: give fewer draws")
    return options.num_draws
