import jax
import numpy as np
from numpyro.infer.util import log_density

from zoo._backend.in_numpyro import runtime, to_backend


class LogJoint:
    """log p in nats at many values of some latents, {site: (draws, *shape)}, the others fixed: (draws,), in 64 bits."""

    def __init__(self, program, keywords):
        def joint(data, fixed, varying):
            at = {**data, **to_backend(keywords)}
            return jax.lax.map(lambda one: log_density(program, (), at, {**fixed, **one})[0], varying)

        self.joint = jax.jit(joint)  # compiled once for all simulations

    def __call__(self, data, fixed, varying):
        with runtime("float64"):
            return np.asarray(self.joint(to_backend(data), to_backend(fixed), to_backend(varying)))
