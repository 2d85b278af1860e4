"""The record of a training up to its last step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from inference.engines.svi.plan import TrainingPlan


@dataclass
class TrainingRecord:
    """A training up to its last step.

    trace: bound, reconstruction and KL of each step, (steps, 3), in nats; NaN where it was skipped. reports: by
    quantity, a number for each report. best, best_step, best_held_out: the weights with the highest ELBO of the
    validation rows, their step and that ELBO per row. is_broken: whether the objective became NaN or infinite.
    """

    trace: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    reports: dict[str, list[float]] = field(default_factory=dict)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    best_step: int = 0
    best_held_out: float = -math.inf
    is_broken: bool = False

    @property
    def num_steps(self) -> int:
        """Steps done."""
        return len(self.trace)

    @property
    def num_skips(self) -> int:
        """Steps that were skipped."""
        return int(np.isnan(self.trace[:, 0]).sum())

    def mean(self, count: int) -> np.ndarray:
        """The mean of the trace over the last ``count`` steps without those skipped, (3,); NaN where all were."""
        last = self.trace[-count:]
        last = last[~np.isnan(last[:, 0])]
        return last.mean(0) if len(last) else np.full(3, np.nan)

    @property
    def seconds(self) -> float:
        """Seconds up to the last report."""
        return self.reports.get("seconds", [0.0])[-1]

    def add_report(self, plan: TrainingPlan, held_out: float | None, seconds: float) -> str:
        """Add a report and return it as one line; held_out: the ELBO of the validation rows in nats per row."""
        steps = self.num_steps - int(self.reports["step"][-1] if self.reports else 0)
        bound, reconstruction, kl = self.mean(steps) / plan.num_rows
        report = {"step": self.num_steps, "epoch": self.num_steps / plan.steps_per_epoch, "seconds": seconds}
        report |= {"bound_nats_per_row": bound, "reconstruction_nats_per_row": reconstruction, "kl_nats_per_row": kl}
        report["beta"] = float(plan.beta_at(self.num_steps - 1))
        if held_out is not None:
            report["held_out_elbo_nats_per_row"] = held_out
        for name, value in report.items():
            self.reports.setdefault(name, []).append(float(value))
        suffix = "" if held_out is None else f", held out {held_out:.2f}"
        return f"bound {bound:.2f} nats per row (reconstruction {reconstruction:.2f}, KL {kl:.2f}){suffix}"
