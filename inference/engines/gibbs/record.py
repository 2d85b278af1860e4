"""The record of a run of Gibbs sampling."""

from __future__ import annotations

import numpy as np


class SweepRecord:
    """What a run has recorded.

    done: the number of sweeps. trace: log p of each chain at every recorded sweep. averaged: log p of each chain at the
    sweeps that the estimate averages. draws, draws_lp: the draws, and log p of each chain at each.
    """

    def __init__(self) -> None:
        self.done = 0
        self.trace: list[np.ndarray] = []
        self.averaged: list[np.ndarray] = []
        self.draws_lp: list[np.ndarray] = []
        self.draws: dict[str, list[np.ndarray]] = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as arrays, sweeps or draws first, by the names of the checkpoints of version 0.1."""
        lists = {"trace": self.trace, "kept": self.averaged, "lp": self.draws_lp}
        lists |= {f"draws/{n}": values for n, values in self.draws.items()}
        return {n: np.stack(values) for n, values in lists.items() if values}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], done: int) -> SweepRecord:
        """The record with these arrays."""
        record = cls()
        record.done = done
        record.trace, record.averaged, record.draws_lp = (list(arrays.get(n, ())) for n in ("trace", "kept", "lp"))
        record.draws = {n[6:]: list(v) for n, v in arrays.items() if n.startswith("draws/")}
        return record
