"""Names for the types that the whole project shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

# an array of jax or of torch: code that serves both backends can import neither
BackendArray: TypeAlias = Any
# data as users have it: arrays, DataFrames, lists, a corpus, or a dict of them by site
DataLike: TypeAlias = Any
# keywords of a program by name: sizes, variants, hyperparameters
Keywords: TypeAlias = Mapping[str, Any]
# a function of data and keywords that makes sample statements
Program: TypeAlias = Callable[..., Any]
# values of the parameters of a program, by site
BackendParams: TypeAlias = dict[str, BackendArray]
