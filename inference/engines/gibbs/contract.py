"""The contract of a sampler, and what it estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from inference.run.workers import WorkerPool
from zoo.types import Keywords


class SamplerEstimate(NamedTuple):
    """What a sampler estimates.

    params, state: point estimates by name, as in a fit. keywords: hyperparameters that were learned. method, shards,
    tokens: as in the diagnostics.
    """

    params: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    keywords: Keywords
    method: str
    shards: int
    tokens: int


class GibbsSampler(Protocol):
    """All chains of a fit; ``Sampler(request)`` of a model's hook ``gibbs/sampler.py`` makes one.

    usual_start: how the latents begin of which no values are given, as in "random topics". num_jobs: the number of jobs
    that a sweep can run side by side.
    """

    @property
    def usual_start(self) -> str: ...

    @property
    def num_jobs(self) -> int: ...

    def begin(self, starts: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Begin at these values, some or all continuous latents of each chain; called where the user gives some."""
        ...

    def sweep(self, number: int, pool: WorkerPool) -> None:
        """Draw every discrete latent once, in every chain; ``number``: of sweeps done before."""
        ...

    def learn(self, number: int) -> None:
        """Update hyperparameters that are learned, after that many sweeps of the warm-up."""
        ...

    def record(self, keep: bool) -> np.ndarray:
        """The log density of each chain in nats, of which the trace is the mean; ``keep``: average this sweep."""
        ...

    def draw(self, number: int) -> dict[str, np.ndarray]:
        """A draw of the continuous latents in each chain, (chain, *shape)."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        ...

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        ...

    def estimate(self, best: int) -> SamplerEstimate:
        """The estimate by the sweeps that one chain averages."""
        ...
