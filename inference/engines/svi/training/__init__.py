"""Training: the one loop of SVI, which looks after every lap at how it goes, and can be stopped and resumed anywhere.

Each ``in_<backend>.py`` promises ``Trainer``, which keeps the parameters and knows how to better them:

    advance(begun, count)      up to ``count`` steps from step ``begun``: how many were done; their trace (done, 3), of
                               the bound, its reconstruction and its KL, in nats; and False where the step after them
                               was not a number, and was not taken
    elbos(rows)                the ELBO of some rows, in nats per row, one estimate for each part of them
    begin_at(weights)          take these for the parameters before the first step
    adopt(weights)             take these for the parameters that training ended with
    weights()                  the parameters as numpy, by name: averaged ones where averages are kept
    means(count)               the mean of some draws from the guide of each latent that is not the rows'
    state(), restore(arrays)   everything the next step depends on, as numpy, by name
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.svi.checkpoints import Checkpoints
from inference.engines.svi.plan import Plan
from inference.engines.svi.record import TrainingRecord
from inference.engines.svi.rows import Rows
from inference.run.progress import Progress
from zoo import ZooError

PATIENCE = 0.5  # seconds that are wanted between two looks from outside
NAMES = ("bound", "reconstruction", "kl")


class Trainer(Protocol):
    """What a backend does: see above."""

    most: int  # steps in one call of advance
    learned: list[str]  # the parameters that are the program's

    def advance(self, begun: int, count: int) -> tuple[int, np.ndarray, bool]: ...
    def elbos(self, rows: np.ndarray) -> np.ndarray: ...
    def begin_at(self, weights: dict[str, np.ndarray]) -> None: ...
    def adopt(self, weights: dict[str, np.ndarray]) -> None: ...
    def weights(self) -> dict[str, np.ndarray]: ...
    def means(self, count: int) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, arrays: dict[str, np.ndarray]) -> None: ...


def train(request: FitRequest, trainer: Trainer, plan: Plan, rows: Rows) -> TrainingRecord:
    """Train to the end of the plan, or until the rows held out have not gained for ``patience`` epochs.

    Goes on from a checkpoint where there is one. Ends early, at the last good weights, where the bound is not a number.
    Raises ZooError where the first step is none already.
    """
    checkpoints = Checkpoints.of(request)
    record = checkpoints.resume(trainer) if checkpoints else None
    record = record or TrainingRecord()
    count, before = 1, record.laps.get("seconds", [0.0])[-1]
    begun = time.perf_counter() - before
    with Progress("svi", plan.steps, request.progress) as progress:
        while not finished(request, plan, record):
            since = time.perf_counter()
            end = min(plan.steps, (record.done // plan.lap + 1) * plan.lap)
            wanted = min(count, end - record.done, trainer.most)
            done, trace, good = trainer.advance(record.done, wanted)
            record.trace = np.concatenate([record.trace, trace])
            record.broken = not good
            if not record.done:
                raise ZooError("the ELBO is not a number at the first step: give start=, or a smaller learning_rate")
            said = f"ELBO {record.trace[-100:, 0].mean():.2f} nats"
            if good and record.done == end:
                held = float(trainer.elbos(rows.held).mean()) if len(rows.held) else None
                if held is not None and held > record.best_held_out:
                    record.best, record.best_step, record.best_held_out = trainer.weights(), record.done, held
                said = record.add_lap(plan, plan.rows, held, time.perf_counter() - begun)
                if checkpoints:
                    checkpoints.keep(trainer, record, last=end == plan.steps)
            progress.at(record.done, said)
            pace = max(time.perf_counter() - since, 1e-4) / max(done, 1)
            count = int(np.clip(PATIENCE / pace, 1, 10 * count))
    if record.best:
        trainer.adopt(record.best)
    return record


def finished(request: FitRequest, plan: Plan, record: TrainingRecord) -> bool:
    """Whether there is nothing left to do: all steps done, a step that was none, or nothing gained for long."""
    patience = request.options.patience
    waited = (record.done - record.best_step) / plan.epoch
    stale = patience is not None and record.best_step > 0 and waited >= patience
    return record.broken or record.done >= plan.steps or stale
