"""Log joints of the user programs by the libraries alone, at latent values with the names of NumPyro."""

from __future__ import annotations

import numpy as np

from tests.user_programs.data import Arguments
from tests.user_programs.program import UserProgram, for_backend

ALL_ROWS = {"subsampled_regression": {"batch_size": 30}}  # a minibatch is drawn at random


def arguments_of(program: UserProgram, arguments: Arguments | None = None) -> Arguments:
    """Arguments of the table, or those of a reference, without subsampling."""
    args, kwargs = arguments or program.arguments()
    return args, {**kwargs, **ALL_ROWS.get(program.name, {})}


def latent_values(program: UserProgram, seed: int) -> dict[str, np.ndarray]:
    """A value of every latent site by NumPyro, continuous ones within two of zero on the unconstrained scale."""
    import jax
    from numpyro import handlers
    from numpyro.distributions import constraints
    from numpyro.infer import init_to_uniform

    args, kwargs = for_backend(arguments_of(program), "numpyro")
    model = handlers.seed(program.load("numpyro"), jax.random.key(seed))
    trace = handlers.trace(handlers.substitute(model, substitute_fn=init_to_uniform(radius=1))).get_trace(
        *args, **kwargs
    )
    values = {name: np.asarray(trace[name]["value"]) for name in (*program.latents, *program.discrete)}
    for name in program.discrete:
        if trace[name]["fn"].support is constraints.boolean:
            values[name] = np.ones(
                values[name].shape
            )  # possible in every program; the backends clamp log(0) differently
    return values


def numpyro_log_joint(
    program: UserProgram, values: dict[str, np.ndarray], arguments: Arguments | None = None, is_enumerated: bool = False
) -> float:
    """Log joint in nats; discrete latents are summed out by NumPyro's own enumeration where it is asked for."""
    import jax
    from numpyro import handlers
    from numpyro.contrib.funsor import config_enumerate, enum
    from numpyro.contrib.funsor.infer_util import log_density as enumerated_log_density
    from numpyro.infer.util import log_density

    args, kwargs = for_backend(arguments_of(program, arguments), "numpyro")
    model = handlers.seed(program.load("numpyro"), jax.random.key(0))
    arrays = {n: jax.numpy.asarray(v, int if n in program.discrete else None) for n, v in values.items()}
    density = log_density
    if is_enumerated:
        density, model = enumerated_log_density, enum(config_enumerate(model), first_available_dim=-3)

    def log_joint(arrays: dict[str, jax.Array]) -> jax.Array:
        return density(model, args, kwargs, arrays)[0]

    try:  # eager JAX compiles operation by operation, which takes seconds
        return float(jax.jit(log_joint)(arrays))
    except jax.errors.ConcretizationTypeError:  # a program that takes a size from the values of its arguments
        return float(log_joint(arrays))


def pyro_log_joint(
    program: UserProgram, values: dict[str, np.ndarray], arguments: Arguments | None = None, is_enumerated: bool = False
) -> float:
    """Log joint in nats of values with NumPyro's names; discrete latents are summed out by Pyro's own enumeration."""
    import torch
    from pyro import poutine
    from pyro.infer import TraceEnum_ELBO, config_enumerate

    args, kwargs = for_backend(arguments_of(program, arguments), "pyro")
    tensors = {name: torch.tensor(value) for name, value in program.values("pyro", values).items()}
    learned = {name: tensors.pop(name) for name in program.learned if name in tensors}
    model = poutine.condition(poutine.substitute(program.load("pyro"), learned), tensors)
    if not is_enumerated:
        with torch.no_grad():
            return float(poutine.trace(model).get_trace(*args, **kwargs).log_prob_sum())
    elbo = TraceEnum_ELBO(max_plate_nesting=2, strict_enumeration_warning=False)
    return -float(elbo.loss(config_enumerate(model), lambda *args, **kwargs: None, *args, **kwargs))
