"""What a run of Gibbs sampling keeps, and what a sampler estimates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class SamplerEstimate(NamedTuple):
    """params, state: point estimates by name. keywords: hyperparameters learned. about: fields of the diagnostics."""

    params: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    keywords: dict[str, Any]
    about: dict[str, Any]


class SweepRecord:
    """What was seen so far. done: sweeps. trace and kept: log p of each chain, in all recorded sweeps and the kept."""

    def __init__(self) -> None:
        self.done = 0
        self.trace: list[np.ndarray] = []
        self.kept: list[np.ndarray] = []
        self.lp: list[np.ndarray] = []  # beside each draw
        self.draws: dict[str, list[np.ndarray]] = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as arrays, sweeps or draws first."""
        lists = {"trace": self.trace, "kept": self.kept, "lp": self.lp}
        lists |= {f"draws/{n}": values for n, values in self.draws.items()}
        return {n: np.stack(values) for n, values in lists.items() if values}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], done: int) -> SweepRecord:
        """The record that had these arrays."""
        record = cls()
        record.done = done
        record.trace, record.kept, record.lp = (list(arrays.get(n, ())) for n in ("trace", "kept", "lp"))
        record.draws = {n[6:]: list(v) for n, v in arrays.items() if n.startswith("draws/")}
        return record
