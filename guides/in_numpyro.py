from typing import Any

import numpy as np
from numpyro import sample
from numpyro.distributions import Delta

from inference.free.curvature import climb
from inference.free.in_numpyro import Free
from zoo import ZooError


class FromMode:
    """A guide over the free numbers of a program, counted in widths of its density about the mode near ``start``.

    ``free_numbers(mode)`` makes the sample and param statements. Its first call finds the mode, and must be outside
    of anything that is compiled.
    """

    def __init__(self, program, start, free_numbers, jacobian=True):
        self.program, self.start, self.free_numbers, self.jacobian = program, start, free_numbers, jacobian
        self.mode: Any = None

    def __call__(self, **inputs):
        if self.mode is None:
            self.free = Free(self.program, {}, inputs)
            self.rows = rows_of(inputs) if any("N" in plates for plates in self.free.plates.values()) else None
            start = self.start or self.free.prior_median(seed=0)
            self.mode = climb(self.free.look(self.jacobian), np.asarray(self.free.flat(start), float))
        if self.rows not in (None, rows_of(inputs)):
            raise ZooError(
                "the guide has free numbers for every row, and cannot see a batch alone: leave batch_size out"
            )
        free = self.free_numbers(self.mode)
        for name, (value, log_jacobian) in self.free.constrain(free).items():
            log_density = -log_jacobian if self.jacobian else 0.0
            sample(name, Delta(value, log_density, self.free.event_dims[name]))

    @property
    def frame(self):
        """What its parameters are counted from, and in."""
        return {"mode": self.mode.centre, "precision": self.mode.precision}


def rows_of(inputs):
    return {n: v.shape for n, v in inputs.items() if hasattr(v, "shape")}
