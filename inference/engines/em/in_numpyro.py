from functools import partial

import jax
import jax.numpy as jnp

from inference.engines.em import running
from inference.engines.em.exponential_family.in_numpyro import Ascent as ClosedAscent
from inference.engines.em.general.in_numpyro import Ascent as GeneralAscent
from inference.exact.enumeration.in_numpyro import Sum
from zoo._backend.in_numpyro import leave

LANGUAGE = running.Language(
    Sum,
    ClosedAscent,
    GeneralAscent,
    in_64_bits=lambda: jax.enable_x64(True),
    compiled=jax.jit,
    array=lambda values: jnp.asarray(values, jnp.zeros(()).dtype),
    eps=lambda: float(jnp.finfo(jnp.zeros(()).dtype).eps),
    many=lambda function, values: leave(jax.jit(jax.vmap(function))(jnp.asarray(values))),
)
run = partial(running.run, LANGUAGE)
start = partial(running.start, LANGUAGE)
information = partial(running.information, LANGUAGE)
refitted = partial(running.refitted, LANGUAGE)
