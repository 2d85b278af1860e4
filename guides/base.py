"""What the guides of both backends share: free numbers, counted from the mode in widths of the density there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.unconstrained.curvature import climb
from zoo import ZooError


class FromMode:
    """A guide over the free numbers of a program, counted in widths of its density about the mode near ``start``.

    ``free_numbers(mode)`` makes the sample and param statements. Its first call finds the mode, and must be outside
    of anything that is compiled. A backend adds the two methods that raise NotImplementedError here.
    """

    def __init__(self, program: Any, start: Any, free_numbers: Callable[[Any], Any], jacobian: bool = True):
        self.program, self.start, self.free_numbers, self.jacobian = program, start, free_numbers, jacobian
        self.mode: Any = None

    def __call__(self, **inputs: Any) -> None:
        if self.mode is None:
            self.free = self.opened(inputs)
            self.rows = rows_of(inputs) if any("N" in plates for plates in self.free.plates.values()) else None
            start = self.start or self.free.prior_median(seed=0)
            self.mode = climb(self.free.value_grad_hvp(self.jacobian), self.free.numbers(start))
        if self.rows not in (None, rows_of(inputs)):
            raise ZooError(
                "the guide has free numbers for every row, and cannot see a batch alone: leave batch_size out"
            )
        free = self.free_numbers(self.mode)
        for name, (value, log_jacobian) in self.free.constrain(free).items():
            self.place(name, value, -log_jacobian if self.jacobian else 0.0, self.free.event_dims[name])

    @property
    def frame(self) -> dict[str, Any]:
        """What its parameters are counted from, and in."""
        return {"mode": self.mode.centre, "precision": self.mode.precision}

    def opened(self, inputs: dict[str, Any]) -> Any:
        """The program's latents as free numbers: the backend's ``UnconstrainedModel``."""
        raise NotImplementedError

    def place(self, name: str, value: Any, log_density: Any, event_dim: int) -> None:
        """A sample statement of one value, with the log density it has under the guide."""
        raise NotImplementedError


def rows_of(inputs: dict[str, Any]) -> dict[str, Any]:
    return {n: v.shape for n, v in inputs.items() if hasattr(v, "shape")}
