"""A program in both languages with its arguments and what is known about it.

No backend is imported here: :meth:`UserProgram.load` imports the module of one backend by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, MaximumLikelihood, Moments

Backend = Literal["numpyro", "pyro"]


@dataclass(frozen=True)
class UserProgram:
    """A program in both languages, and what is known about it.

    Attributes
    ----------
    name
        Name of the program, a function or a class in ``in_numpyro/<family>.py`` and ``in_pyro/<family>.py``.
    family
        Name of the module.
    observed
        Observed sites, by their NumPyro names.
    latents
        Continuous latent sites, by their NumPyro names, in the order of the program.
    arguments
        Positional arguments and keywords, as NumPy arrays and whole numbers; by default the function of ``data`` that
        has the program's name.
    discrete
        Discrete latent sites, which can all be enumerated.
    deterministic
        Deterministic sites.
    learned
        Parameters (``param`` or a module's), without a prior.
    inactive_parameters
        Parameters that a random module registers in NumPyro and whose values its latent sites replace.
    rows
        The plate common to the observed sites and its size, or None. Of crossed plates the outer one.
    exchangeable
        Plates whose labels can be permuted without a change of the log density, discrete latents summed out.
        Permuted are the plate's latents alone, never the data.
    truth
        Reference values: see :mod:`tests.user_programs.truths`.
    guide
        Name of the user's own guide in the NumPyro module; it takes the program's arguments. In Pyro the guide is the
        method ``guide`` of ``pyro_class``.
    rotations
        Sites whose last event dimensions can be rotated together, by one orthogonal matrix, without a change of the log
        density.
    pyro_class
        The class that is the program in Pyro: an instance is called, or has ``model`` and ``guide``.
    pyro_sites
        Sites that Pyro names differently: the NumPyro site, and the Pyro site, or the Pyro sites that are its slices
        along the first dimension in order.
    transposed
        Sites whose last two dimensions Pyro stores in reverse, as torch's linear layers do.
    """

    name: str
    family: str
    observed: tuple[str, ...]
    latents: tuple[str, ...]
    discrete: tuple[str, ...] = ()
    deterministic: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    inactive_parameters: tuple[str, ...] = ()
    rows: tuple[str, int] | None = None
    exchangeable: tuple[str, ...] = ()
    truth: Callable[[], Moments | LogDensity | MaximumLikelihood] | None = None
    guide: str | None = None
    rotations: tuple[str, ...] = ()
    pyro_class: str | None = None
    pyro_sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transposed: tuple[str, ...] = ()

    def arguments(self) -> data.Arguments:
        """Positional arguments and keywords, as NumPy arrays and whole numbers."""
        return getattr(data, self.name)()

    def load(self, backend: Backend) -> Callable[..., Any]:
        """Return the program in one backend."""
        return self.load_with_guide(backend)[0]

    def load_with_guide(self, backend: Backend) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
        """Return the program in one backend and the user's own guide, or None where there is no such guide."""
        module = importlib.import_module(f"{__package__}.in_{backend}.{self.family}")
        if backend == "pyro" and self.pyro_class:
            instance = getattr(module, self.pyro_class)()
            return (instance.model, instance.guide) if self.guide else (instance, None)
        return getattr(module, self.name), getattr(module, self.guide) if self.guide else None

    def sites(self, backend: Backend, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names of sites in one backend, from the NumPyro names."""
        if backend == "numpyro":
            return names
        return tuple(site for name in names for site in self.pyro_sites.get(name, (name,)))

    def values(self, backend: Backend, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Values by the names and shapes of one backend, from those of NumPyro."""
        if backend == "numpyro":
            return dict(values)
        renamed: dict[str, np.ndarray] = {}
        for name, value in values.items():
            sites = self.pyro_sites.get(name, (name,))
            renamed |= dict(zip(sites, [value] if len(sites) == 1 else value, strict=True))
            if name in self.transposed:
                renamed[sites[0]] = value.T
        return renamed


def for_backend(arguments: data.Arguments, backend: Backend) -> data.Arguments:
    """Arguments with their arrays converted: floats by the default type of the backend, whole numbers stay such."""
    convert: Callable[[np.ndarray], Any]
    if backend == "numpyro":
        import jax

        convert = jax.numpy.asarray
    else:
        import torch

        convert = lambda a: torch.tensor(a, dtype=torch.get_default_dtype() if a.dtype.kind == "f" else None)  # noqa: E731
    args, kwargs = arguments
    return (
        tuple(convert(a) if isinstance(a, np.ndarray) else a for a in args),
        {name: convert(a) if isinstance(a, np.ndarray) else a for name, a in kwargs.items()},
    )


def slices(num_steps: int, *sites: str) -> dict[str, tuple[str, ...]]:
    """Names of Pyro's sites for every step of a loop, by the NumPyro site that holds them all."""
    return {site: tuple(f"{site}_{t}" for t in range(num_steps)) for site in sites}
