from contextlib import contextmanager
from functools import partial

import numpy as np
import torch

from inference.engines.em import running, starts, uncertainty
from inference.engines.em.backend import EMBackend
from inference.engines.em.exponential_family.in_pyro import ExponentialFamilyStep
from inference.engines.em.general.in_pyro import GeneralStep
from inference.exact.enumeration.in_pyro import EnumeratedDensity
from zoo._backend.in_pyro import to_numpy


@contextmanager
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def to_array(values):
    return torch.as_tensor(np.array(values), dtype=torch.get_default_dtype(), device=torch.zeros(()).device)


def vmap(function, values):
    outputs = [to_numpy(function(torch.as_tensor(v))) for v in values]
    return {n: np.stack([output[n] for output in outputs]) for n in outputs[0]}


BACKEND = EMBackend(
    EnumeratedDensity,
    ExponentialFamilyStep,
    GeneralStep,
    float64=float64,
    compile=lambda function: function,
    to_array=to_array,
    machine_epsilon=lambda: torch.finfo(torch.get_default_dtype()).eps,
    vmap=vmap,
)
run = partial(running.run, BACKEND)
initial_values = partial(starts.initial_values, BACKEND)
curvature = partial(uncertainty.curvature, BACKEND)
refit = partial(uncertainty.refit, BACKEND)
refit_tables = partial(uncertainty.refit_tables, BACKEND)
