from contextlib import contextmanager
from functools import partial

import numpy as np
import torch

from inference.engines.em import running
from inference.engines.em.exponential_family.in_pyro import Ascent as ClosedAscent
from inference.engines.em.general.in_pyro import Ascent as GeneralAscent
from inference.exact.enumeration.in_pyro import EnumeratedDensity
from zoo._backend.in_pyro import to_numpy


@contextmanager
def in_64_bits():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def many(function, values):
    each = [to_numpy(function(torch.as_tensor(v))) for v in values]
    return {n: np.stack([e[n] for e in each]) for n in each[0]}


LANGUAGE = running.Language(
    EnumeratedDensity,
    ClosedAscent,
    GeneralAscent,
    in_64_bits=in_64_bits,
    compiled=lambda function: function,
    array=lambda values: torch.as_tensor(
        np.array(values), dtype=torch.get_default_dtype(), device=torch.zeros(()).device
    ),
    eps=lambda: torch.finfo(torch.get_default_dtype()).eps,
    many=many,
)
run = partial(running.run, LANGUAGE)
start = partial(running.start, LANGUAGE)
information = partial(running.information, LANGUAGE)
refitted = partial(running.refitted, LANGUAGE)
