"""Training: the loop of SVI, which reports progress, keeps the best weights and can be resumed from a checkpoint.

Each ``in_<backend>.py`` provides a ``Trainer``.
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.options import Start
from inference.engines.svi.checkpoints import Checkpoints
from inference.engines.svi.evaluation import Evaluation, RowCodes
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.record import TrainingRecord
from inference.engines.svi.rows import TrainingRows
from inference.run.progress import Progress
from zoo.errors import DensityError

# Of one call of ``advance``, with a progress bar and without. Each call of compiled steps allocates the memory of all
# activations anew; for a deep network that takes almost as long as a step, so that a call has many.
CALL_SECONDS = {True: 2.0, False: 10.0}


class Trainer(Protocol):
    """The parameters of program and guide, and the steps that train them.

    max_steps: steps, at most, of one call of ``advance``. learned: names of the program's own parameters. discrete: the
    discrete latents of the guide.
    """

    max_steps: int
    learned: list[str]
    discrete: list[str]

    def advance(self, first: int, count: int) -> tuple[int, np.ndarray, bool]:
        """Do up to ``count`` steps, from step ``first`` on.

        Returns the number done; their trace (done, 3) of the bound, its reconstruction and its KL, in nats, NaN for
        steps that were skipped; and False where the next step was not finite, and training ends.
        """
        ...

    def elbos(self, rows: np.ndarray) -> np.ndarray:
        """The ELBO of some rows in nats per row, an estimate for each part of them; equal in every call."""
        ...

    def evaluate(self, rows: np.ndarray) -> Evaluation:
        """The ELBO of some rows and the KL divergence of each latent, by the draws of ``elbos``."""
        ...

    def codes(self, rows: np.ndarray) -> RowCodes | None:
        """The codes of some rows, in 64 bits, by the draws of ``elbos``; None where there are none with normals."""
        ...

    def start_at(self, weights: Start) -> None:
        """Set the parameters before the first step."""
        ...

    def finish_at(self, weights: dict[str, np.ndarray]) -> None:
        """Set the parameters that training ends with."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name: averages of the steps where the options ask for them."""
        ...

    def latent_means(self, count: int) -> dict[str, np.ndarray]:
        """The mean of ``count`` draws from the guide of each latent outside the rows."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Everything the next step depends on, by name."""
        ...

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Set everything the next step depends on, as of ``state``."""
        ...


def train(request: FitRequest[SVIOptions], trainer: Trainer, plan: TrainingPlan, rows: TrainingRows) -> TrainingRecord:
    """Train to the end of the plan, or until the validation rows have not gained for ``patience`` epochs.

    Resumes from a checkpoint where there is one. Ends early, at the last finite weights, where the bound is not finite.
    Raises ZooError where that is the first step.
    """
    checkpoints = Checkpoints.from_request(request)
    record = checkpoints.resume(trainer, plan.num_steps) if checkpoints else None
    record = record or TrainingRecord()
    start, count = time.perf_counter() - record.seconds, 1
    with Progress("svi", plan.num_steps, request.progress) as progress:
        while not is_finished(request, plan, record):
            call_start = time.perf_counter()
            end = min(plan.num_steps, (record.num_steps // plan.steps_per_report + 1) * plan.steps_per_report)
            done, trace, is_finite = trainer.advance(
                record.num_steps, min(count, end - record.num_steps, trainer.max_steps)
            )
            record.trace = np.concatenate([record.trace, trace])
            record.is_broken = not is_finite
            if record.is_broken and record.num_skips == record.num_steps:
                raise DensityError(
                    f"{not_finite(request.options, 0)} is not a number at the first step: give start=, or a smaller "
                    "learning_rate"
                )
            message = f"ELBO {record.mean(100)[0]:.2f} nats"
            if is_finite and record.num_steps == end:
                message = report(trainer, plan, rows, record, start)
                if checkpoints:
                    checkpoints.save(trainer, record, is_last=end == plan.num_steps)
            progress.update(record.num_steps, message)
            seconds_per_step = max(time.perf_counter() - call_start, 1e-4) / max(done, 1)
            count = int(np.clip(CALL_SECONDS[request.progress] / seconds_per_step, 1, 10 * count))
    if record.best:
        trainer.finish_at(record.best)
    return record


def report(trainer: Trainer, plan: TrainingPlan, rows: TrainingRows, record: TrainingRecord, start: float) -> str:
    """Evaluate the validation rows, keep the weights that are best there, and return the report as one line."""
    elbo = float(trainer.elbos(rows.validation).mean()) if len(rows.validation) else None
    if elbo is not None and elbo > record.best_held_out:
        record.best, record.best_step, record.best_held_out = trainer.weights(), record.num_steps, elbo
    return record.add_report(plan, elbo, time.perf_counter() - start)


def not_finite(options: SVIOptions, index: int) -> str:
    """What was not finite at the step ``index``, from 0: the learning rate, where it is a function, or the ELBO."""
    schedule = options.learning_rate
    rate = np.asarray(schedule(index) if callable(schedule) else schedule)  # of a power of a number below 0 complex
    return "the ELBO" if np.isrealobj(rate) and np.isfinite(rate).all() else "the learning_rate"


def is_finished(request: FitRequest[SVIOptions], plan: TrainingPlan, record: TrainingRecord) -> bool:
    """Whether all steps are done, a step was not finite, or the validation rows have not gained for ``patience``."""
    patience = request.options.patience
    epochs = (record.num_steps - record.best_step) / plan.steps_per_epoch
    is_stale = patience is not None and record.best_step > 0 and epochs >= patience
    return record.is_broken or record.num_steps >= plan.num_steps or is_stale
