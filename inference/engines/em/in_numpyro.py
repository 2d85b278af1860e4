from functools import partial

import jax
import jax.numpy as jnp

from inference.engines.em import running, starts, uncertainty
from inference.engines.em.backend import EMBackend
from inference.engines.em.exponential_family.in_numpyro import ExponentialFamilyStep
from inference.engines.em.general.in_numpyro import GeneralStep
from inference.exact.enumeration.in_numpyro import EnumeratedDensity
from zoo._backend.in_numpyro import to_numpy

BACKEND = EMBackend(
    EnumeratedDensity,
    ExponentialFamilyStep,
    GeneralStep,
    float64=lambda: jax.enable_x64(True),
    compile=jax.jit,
    to_array=lambda values: jnp.asarray(values, jnp.zeros(()).dtype),
    machine_epsilon=lambda: float(jnp.finfo(jnp.zeros(()).dtype).eps),
    vmap=lambda function, values: to_numpy(jax.jit(jax.vmap(function))(jnp.asarray(values))),
)
run = partial(running.run, BACKEND)
initial_values = partial(starts.initial_values, BACKEND)
curvature = partial(uncertainty.curvature, BACKEND)
refit = partial(uncertainty.refit, BACKEND)
refit_tables = partial(uncertainty.refit_tables, BACKEND)
