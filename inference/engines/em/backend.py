"""What EM needs of a backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from inference.engines.em.general import step
from inference.exact.enumeration import density
from zoo.types import BackendArray, BackendParams


class EMStep(Protocol):
    """The E-step and M-step of one program at one data set, in arrays of a backend."""

    weights: BackendArray

    def step(self, params: BackendParams) -> tuple[BackendParams, BackendArray]:
        """Better parameters, and the log-likelihood at the given ones."""
        ...

    def from_labels(self, labels: np.ndarray, K: int) -> BackendParams:
        """The parameters that fit best where the rows have these labels, (N,) from 0 to K - 1."""
        ...

    def entropy(self, params: BackendParams) -> float:
        """The entropy of the labels given the data, in nats, rows counted by their weights."""
        ...


class ClosedFormStep(EMStep, Protocol):
    """The steps of a mixture in closed form."""

    def set_data(self, x: BackendArray) -> None:
        """Take other data of the same shape, for which nothing is compiled anew."""
        ...


class EMBackend(NamedTuple):
    """The classes and array functions of one backend.

    Attributes
    ----------
    EnumeratedDensity, ExponentialFamilyStep, GeneralStep
        The backend's classes of these names.
    float64
        A context in which new arrays have 64 bits.
    compile
        A function to a faster one of the same values, where the backend can compile.
    to_array
        NumPy to an array of the precision in force.
    machine_epsilon
        The rounding error of one operation in that precision.
    vmap
        (function, (S, ...)) to the function's dict of arrays, stacked over S, in NumPy.
    """

    EnumeratedDensity: Callable[..., density.EnumeratedDensity]
    ExponentialFamilyStep: Callable[..., ClosedFormStep]
    GeneralStep: Callable[..., step.GeneralStep]
    float64: Callable[[], AbstractContextManager[object]]
    compile: Callable[[Callable[..., BackendArray]], Callable[..., BackendArray]]
    to_array: Callable[[ArrayLike], BackendArray]
    machine_epsilon: Callable[[], float]
    vmap: Callable[[Callable[[BackendArray], BackendParams], np.ndarray], dict[str, np.ndarray]]
