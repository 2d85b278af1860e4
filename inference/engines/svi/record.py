"""TrainingRecord: how training went, up to the last step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from inference.engines.svi.plan import Plan


@dataclass
class TrainingRecord:
    """How training went: ``trace`` (steps, 3) and, for each lap, ``laps``; the best weights where rows are held out."""

    trace: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    laps: dict[str, list[float]] = field(default_factory=dict)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    best_step: int = 0
    best_held_out: float = -math.inf
    broken: bool = False

    @property
    def done(self) -> int:
        return len(self.trace)

    def add_lap(self, plan: Plan, rows: int, held_out: float | None, seconds: float) -> str:
        """Add a lap and return a line about it."""
        since = self.done - int(self.laps["step"][-1] if self.laps else 0)
        bound, reconstruction, kl = self.trace[-since:].mean(0) / rows
        lap = {"step": self.done, "epoch": self.done / plan.epoch, "seconds": seconds}
        lap |= {"bound_nats_per_row": bound, "reconstruction_nats_per_row": reconstruction, "kl_nats_per_row": kl}
        lap["beta"] = float(plan.beta_at(self.done - 1))
        if held_out is not None:
            lap["held_out_elbo_nats_per_row"] = held_out
        for name, value in lap.items():
            self.laps.setdefault(name, []).append(float(value))
        beside = "" if held_out is None else f", held out {held_out:.2f}"
        return f"bound {bound:.2f} nats per row (reconstruction {reconstruction:.2f}, KL {kl:.2f}){beside}"
