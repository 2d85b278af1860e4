from functools import partial

import jax
import jax.numpy as jnp

from inference.engines.em import running
from inference.engines.em.exponential_family.in_numpyro import Ascent as ClosedAscent
from inference.engines.em.general.in_numpyro import Ascent as GeneralAscent
from inference.exact.enumeration.in_numpyro import EnumeratedDensity
from zoo._backend.in_numpyro import to_numpy

LANGUAGE = running.Language(
    EnumeratedDensity,
    ClosedAscent,
    GeneralAscent,
    in_64_bits=lambda: jax.enable_x64(True),
    compiled=jax.jit,
    array=lambda values: jnp.asarray(values, jnp.zeros(()).dtype),
    eps=lambda: float(jnp.finfo(jnp.zeros(()).dtype).eps),
    many=lambda function, values: to_numpy(jax.jit(jax.vmap(function))(jnp.asarray(values))),
)
run = partial(running.run, LANGUAGE)
start = partial(running.start, LANGUAGE)
information = partial(running.information, LANGUAGE)
refitted = partial(running.refitted, LANGUAGE)
