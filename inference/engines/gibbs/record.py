"""The record of a run of Gibbs sampling."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np


class SweepRecord:
    """What a run has recorded.

    done: the number of sweeps. trace: log p of each chain at every recorded sweep, and trace_sweeps their numbers.
    averaged: log p of each chain at the sweeps that the estimate averages. draws, draws_lp, draw_sweeps: the draws, log
    p of each chain at them, and the numbers of their sweeps.
    """

    def __init__(self) -> None:
        self.done = 0
        self.trace: list[np.ndarray] = []
        self.trace_sweeps: list[int] = []
        self.averaged: list[np.ndarray] = []
        self.draws_lp: list[np.ndarray] = []
        self.draw_sweeps: list[int] = []
        self.draws: dict[str, list[np.ndarray]] = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The record as arrays, sweeps or draws first."""
        lists = {"trace": self.trace, "kept": self.averaged, "lp": self.draws_lp}
        lists |= {f"draws/{n}": values for n, values in self.draws.items()}
        sweeps = {"trace_sweeps": np.array(self.trace_sweeps, int), "draw_sweeps": np.array(self.draw_sweeps, int)}
        return {**sweeps, **{n: np.stack(values) for n, values in lists.items() if values}}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], done: int) -> SweepRecord:
        """The record with these arrays."""
        record = cls()
        record.done = done
        record.trace, record.averaged, record.draws_lp = (list(arrays.get(n, ())) for n in ("trace", "kept", "lp"))
        record.trace_sweeps, record.draw_sweeps = (arrays[n].tolist() for n in ("trace_sweeps", "draw_sweeps"))
        record.draws = {n[6:]: list(v) for n, v in arrays.items() if n.startswith("draws/")}
        return record

    def take(self, trace_sweeps: Collection[int], draw_sweeps: Collection[int]) -> None:
        """Keep the trace and the draws of these sweeps alone, as of a run that was to be longer from the start."""
        in_trace = [i for i, sweep in enumerate(self.trace_sweeps) if sweep in trace_sweeps]
        with_draw = [i for i, sweep in enumerate(self.draw_sweeps) if sweep in draw_sweeps]
        self.trace, self.trace_sweeps = [self.trace[i] for i in in_trace], [self.trace_sweeps[i] for i in in_trace]
        self.draws_lp, self.draw_sweeps = (
            [self.draws_lp[i] for i in with_draw],
            [self.draw_sweeps[i] for i in with_draw],
        )
        self.draws = {n: [values[i] for i in with_draw] for n, values in self.draws.items()} if with_draw else {}
