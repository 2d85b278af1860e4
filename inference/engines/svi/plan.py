"""The schedule of training: the rows of each step, the weight of the KL divergence, and when training is reported."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.svi.options import SVIOptions
from inference.engines.svi.rows import TrainingRows
from zoo.types import BackendArray

MAX_REPORTS = 200  # evaluations in the whole training: more would take longer than the steps between them


@dataclass(frozen=True)
class TrainingPlan:
    """The schedule of training.

    num_rows: rows that are trained on. batch_size: rows of a step, None for all. num_steps: of the whole training.
    beta, warm_up: the weight of the KL divergence, and the fraction of training over which it rises to that from 0.
    learning_rate, learning_rate_warm_up: the same of the learning rate, which is a function of the step.
    """

    num_rows: int
    batch_size: int | None
    num_steps: int
    seed: int
    beta: float | Callable[[BackendArray], BackendArray] = 1.0
    warm_up: float = 0.0
    learning_rate: float | Callable[[BackendArray], BackendArray] = 0.01
    learning_rate_warm_up: float = 0.0

    @classmethod
    def from_request(cls, request: FitRequest[SVIOptions], rows: TrainingRows) -> TrainingPlan:
        """The plan that the options describe."""
        options, num_rows, batch_size = request.options, len(rows.training), rows.batch_size
        steps_per_epoch = num_rows // batch_size if batch_size else 1
        num_steps = options.num_steps if options.num_epochs is None else int(options.num_epochs) * steps_per_epoch
        rates = options.learning_rate, options.learning_rate_warm_up
        return cls(num_rows, batch_size, num_steps, request.seed, options.beta, options.warm_up, *rates)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every row is used once; rows that do not fill a batch wait for another epoch."""
        return self.num_rows // self.batch_size if self.batch_size else 1

    @property
    def steps_per_report(self) -> int:
        """Steps between two reports: complete epochs."""
        return self.steps_per_epoch * math.ceil(max(1, self.num_steps / self.steps_per_epoch / MAX_REPORTS))

    def batches(self, first: int, count: int) -> np.ndarray:
        """The rows of ``count`` steps, (count, batch_size): each epoch is one permutation, determined by the seed.

        >>> plan = TrainingPlan(num_rows=6, batch_size=2, num_steps=9, seed=0)
        >>> sorted(plan.batches(3, 3).ravel().tolist())
        [0, 1, 2, 3, 4, 5]
        """
        assert self.batch_size
        epochs = range(first // self.steps_per_epoch, (first + count - 1) // self.steps_per_epoch + 1)
        used = self.steps_per_epoch * self.batch_size
        shuffled = [np.random.default_rng([self.seed, e]).permutation(self.num_rows)[:used] for e in epochs]
        steps = np.concatenate(shuffled).reshape(-1, self.batch_size).astype(np.int32)
        return steps[first - epochs[0] * self.steps_per_epoch :][:count]

    def beta_at(self, step: BackendArray, minimum: Callable[[BackendArray, float], BackendArray] = min) -> BackendArray:
        """The weight of the KL divergence at a step: ``beta``, or its value at the fraction of training done.

        minimum: of two numbers, in the backend of ``step``.

        >>> plan = TrainingPlan(num_rows=6, batch_size=2, num_steps=100, seed=0, warm_up=0.5)
        >>> plan.beta_at(0), plan.beta_at(25), plan.beta_at(80)
        (0.0, 0.5, 1.0)
        """
        beta = self.beta(step / self.num_steps) if callable(self.beta) else self.beta
        return beta * minimum(step / (self.warm_up * self.num_steps), 1.0) if self.warm_up else beta

    def learning_rate_at(
        self, step: BackendArray, minimum: Callable[[BackendArray, float], BackendArray] = min
    ) -> BackendArray:
        """The learning rate of a step, from 0; the warm-up multiplies it by t / T at its t-th of T steps.

        minimum: of two numbers, in the backend of ``step``.

        >>> plan = TrainingPlan(6, 2, num_steps=100, seed=0, learning_rate=8.0, learning_rate_warm_up=0.04)
        >>> [plan.learning_rate_at(step) for step in range(5)]
        [2.0, 4.0, 6.0, 8.0, 8.0]
        """
        rate, steps = self.learning_rate, self.learning_rate_warm_up * self.num_steps
        rate = rate(step) if callable(rate) else rate
        return rate * minimum((step + 1) / steps, 1.0) if steps else rate

    def final_beta(self, last_step: int) -> float:
        """The weight at the last step; warns where it is below one, for then the ELBO was not trained."""
        beta = float(self.beta_at(last_step))
        if beta < 1:
            remedy = "a warm_up that ends, or more steps" if self.warm_up else "a beta that ends at 1"
            warnings.warn(
                f"the KL divergence counted {beta:.2f} times at the last step: the objective is no bound on the log "
                f"evidence unless it counts once; use {remedy}",
                stacklevel=2,
            )
        return beta
