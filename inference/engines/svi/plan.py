"""What is done at which step: which rows it sees, how much the KL divergence counts, when an epoch ends."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.engines import FitRequest
from inference.engines.svi.rows import Rows

LOOKS = 200  # at most, at how training goes: more would take longer than the steps between them


@dataclass(frozen=True)
class Plan:
    """rows: how many are trained on. batch: how many of them a step sees, None for all. steps: of the whole training.

    beta, warm_up: what the KL divergence counts, and the fraction of training over which it rises to that from 0.
    """

    rows: int
    batch: int | None
    steps: int
    seed: int
    beta: float | Callable[[Any], Any] = 1.0
    warm_up: float = 0.0

    @classmethod
    def of(cls, request: FitRequest, rows: Rows) -> Plan:
        """The plan that the options ask for."""
        options, count, batch = request.options, len(rows.kept), rows.batch
        epochs, epoch = options.num_epochs, count // batch if batch else 1
        steps = options.num_steps if epochs is None else int(epochs) * epoch
        return cls(count, batch, steps, request.seed, options.beta, options.warm_up)

    @property
    def epoch(self) -> int:
        """Steps in which every row is seen once; rows that do not fill a batch wait for another epoch."""
        return self.rows // self.batch if self.batch else 1

    @property
    def lap(self) -> int:
        """Steps between two looks at how training goes: whole epochs."""
        return self.epoch * math.ceil(max(1, self.steps / self.epoch / LOOKS))

    def order(self, begun: int, count: int) -> np.ndarray:
        """The rows of ``count`` steps, (count, batch): an epoch is one permutation, which the seed decides.

        >>> plan = Plan(rows=6, batch=2, steps=9, seed=0)
        >>> sorted(plan.order(3, 3).ravel().tolist())
        [0, 1, 2, 3, 4, 5]
        """
        assert self.batch
        epochs = range(begun // self.epoch, (begun + count - 1) // self.epoch + 1)
        used = self.epoch * self.batch
        shuffled = [np.random.default_rng([self.seed, e]).permutation(self.rows)[:used] for e in epochs]
        steps = np.concatenate(shuffled).reshape(-1, self.batch).astype(np.int32)
        return steps[begun - epochs[0] * self.epoch :][:count]

    def beta_at(self, step: Any, least: Callable[[Any, Any], Any] = min) -> Any:
        """What the KL divergence counts at a step: ``beta``, a number or a function of the fraction of training done.

        ``least`` is the minimum of two numbers, in the language that ``step`` is of.

        >>> plan = Plan(rows=6, batch=2, steps=100, seed=0, warm_up=0.5)
        >>> plan.beta_at(0), plan.beta_at(25), plan.beta_at(80)
        (0.0, 0.5, 1.0)
        """
        beta = self.beta(step / self.steps) if callable(self.beta) else self.beta
        return beta * least(step / (self.warm_up * self.steps), 1.0) if self.warm_up else beta

    def warn(self, last: int) -> float:
        """The beta at the last step; warns where it is below one, for then it is not the ELBO that was trained."""
        beta = float(self.beta_at(last))
        if beta < 1:
            ways = "a warm_up that ends, or more steps," if self.warm_up else "a beta that ends at 1"
            warnings.warn(
                f"the KL divergence counted {beta:.2f} times at the last step: what was trained is no bound on the log "
                f"evidence unless it counts once; {ways} mends it",
                stacklevel=2,
            )
        return beta
