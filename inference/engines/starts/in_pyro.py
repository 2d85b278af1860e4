from functools import partial

from inference.engines.em.in_pyro import start as em_start
from inference.engines.starts import beginning
from zoo._backend.in_pyro import to_backend

begin = partial(beginning, em_start, to_backend)
