"""Names for the types that the whole project shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

# an array of jax or of torch: code that serves both backends can import neither
BackendArray: TypeAlias = Any
# data as users have it: arrays, DataFrames, lists, a corpus, or a dict of them by site
DataLike: TypeAlias = Any
# an index of NumPy that selects rows: a number, a slice, numbers or a mask
RowIndex: TypeAlias = int | slice | Sequence[int] | np.ndarray
# keywords of a program by name: sizes, variants, hyperparameters
Keywords: TypeAlias = Mapping[str, Any]
# a function of data and keywords that makes sample statements
Program: TypeAlias = Callable[..., Any]
# values of the parameters of a program, by site
BackendParams: TypeAlias = dict[str, BackendArray]
