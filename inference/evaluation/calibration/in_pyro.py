import numpy as np

from zoo._backend.in_pyro import log_joint


class LogJoint:
    """log p in nats at many values of some latents, {site: (draws, *shape)}, the others fixed: (draws,), in 64 bits."""

    def __init__(self, program, keywords):
        self.program, self.keywords = program, keywords

    def __call__(self, data, fixed, varying):
        at = {**data, **self.keywords}
        draws = ({n: v[i] for n, v in varying.items()} for i in range(len(next(iter(varying.values())))))
        return np.array([log_joint(self.program, at, {**fixed, **one}) for one in draws])
