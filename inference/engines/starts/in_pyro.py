from functools import partial

from inference.engines.em.in_pyro import start as em_start
from inference.engines.starts import beginning
from zoo._backend.in_pyro import enter

begin = partial(beginning, em_start, enter)
