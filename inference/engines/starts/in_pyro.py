from functools import partial

from inference.engines.em.in_pyro import initial_values
from inference.engines.starts import find_starts
from zoo._backend.in_pyro import to_backend, to_numpy

begin = partial(find_starts, initial_values, to_backend, to_numpy)
