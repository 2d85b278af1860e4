"""Backends: which exist, what each must provide, and how a module of one is imported.

``in_numpyro`` and ``in_pyro`` fulfil the ``Backend`` protocol. ``in_backend("zoo.vae", "pyro")`` imports
``zoo.vae.in_pyro``, and is the only way in which backend modules are imported.

Handlers, Pyro's parameter store and the default precision are global to the process, so that one thread at a time can
run programs: ``runtime`` holds ``RUNTIME_LOCK``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import ModuleType
from typing import NamedTuple, Protocol, cast

import numpy as np

from zoo.errors import MissingBackend, unknown
from zoo.types import BackendArray, BackendParams, Keywords, Program

BACKENDS = {"numpyro": ("jax", "numpyro"), "pyro": ("torch", "pyro")}  # packages each one needs
RUNTIME_LOCK = threading.RLock()  # of both backends, for a program of one may be compared with one of the other
if hasattr(os, "register_at_fork"):  # a process is forked while no other thread runs a program, and so with its globals
    os.register_at_fork(
        before=RUNTIME_LOCK.acquire, after_in_parent=RUNTIME_LOCK.release, after_in_child=RUNTIME_LOCK.release
    )
INSTALL = {"numpyro": "pip install latent-zoo", "pyro": "pip install 'latent-zoo[pyro]'"}


def interval_kind(lower: BackendArray, upper: BackendArray) -> str:
    """The kind of a continuous interval by its bounds, whichever distribution has it and however it writes them.

    >>> interval_kind(0, 1), interval_kind(0.0, np.inf), interval_kind(0, 2)
    ('unit', 'positive', 'real')
    """
    if not np.all(np.asarray(lower) == 0):
        return "real"
    kinds = {"unit": np.all(np.asarray(upper) == 1), "positive": np.all(np.asarray(upper) == np.inf)}
    return next((kind for kind, is_kind in kinds.items() if is_kind), "real")


class TracedSite(NamedTuple):
    """What one forward run tells of a sample site."""

    kind: str  # as on a card
    shape: tuple[int, ...]
    discrete: bool
    plates: tuple[str, ...]


class Backend(Protocol):
    """What each ``in_<backend>.py`` provides."""

    def runtime(self, dtype: str | None = None, device: str = "cpu") -> AbstractContextManager[None]:
        """A context in which programs run in that precision, on that device; other threads wait until it ends.

        Whatever ends it, what the libraries keep globally is then as before: handlers, parameters, default precision,
        device, gradient mode, validation and the state of the random numbers.
        """
        ...

    def compile_once(self, folder: str) -> AbstractContextManager[None]:
        """A context in which equal programs are compiled once, for all processes that enter it with the same folder.

        Other threads wait until it ends.
        """
        ...

    def to_backend(self, values: Mapping[str, object]) -> BackendParams:
        """NumPy arrays as arrays of the backend; other values unchanged."""
        ...

    def to_numpy(self, values: Mapping[str, BackendArray]) -> dict[str, np.ndarray]:
        """Arrays of the backend as NumPy arrays."""
        ...

    def trace(self, program: Program, keywords: Keywords) -> dict[str, TracedSite]:
        """The sample sites of one forward run."""
        ...

    def learned(self, program: Program, keywords: Keywords) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the ``param`` statements."""
        ...

    def simulate(
        self, program: Program, keywords: Keywords, seed: int, values: Mapping[str, object]
    ) -> dict[str, np.ndarray]:
        """One draw of every site without a value in ``values``, as NumPy, and what is learned."""
        ...

    def log_joint(self, program: Program, keywords: Keywords, values: Mapping[str, object]) -> float:
        """log p in nats, in 64 bits."""
        ...

    def minibatch(self, program: Program, rows: np.ndarray) -> Program:
        """The program with its plate N subsampled to ``rows``."""
        ...

    def assign(self, name: str, value: BackendArray) -> None:
        """Statement of a guide: the value of a param statement after this step of svi, by a rule of the guide's own."""
        ...

    def straight_through(self, name: str, value: BackendArray) -> None:
        """Statement of a guide: ``value`` has the gradient that reaches a deterministic site of the program."""
        ...


class HasBackend(Protocol):
    """Anything that names its backend: a model."""

    @property
    def backend(self) -> str: ...


def in_backend(folder: str, backend: str) -> ModuleType:
    """Import the module that fulfils a folder's contract in one backend: ``zoo.x`` gives ``zoo.x.in_numpyro``."""
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    missing = [p for p in BACKENDS[backend] if importlib.util.find_spec(p) is None]
    if missing:
        raise MissingBackend(f"{backend} needs {' and '.join(missing)}: {INSTALL[backend]}")
    return importlib.import_module(f"{folder}.in_{backend}")


def backend_of(model: HasBackend) -> Backend:
    """The backend of a model."""
    return cast(Backend, in_backend("zoo._backend", model.backend))
