"""Well-known programs as users of NumPyro and Pyro write them, with data, and reference values for the table of tests.

No backend is imported here: :meth:`UserProgram.load` imports the module of one backend by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tests.user_programs import data
from tests.user_programs.truths import hierarchies, regressions
from tests.user_programs.truths.reference import LogDensity, Moments

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
    rows
        The plate common to the observed sites and its size, or None. Of crossed plates the outer one.
    exchangeable
        Plates whose labels can be permuted without a change of the log density, discrete latents summed out.
        Permuted are the plate's latents alone, never the data.
    truth
        Reference values: see :mod:`tests.user_programs.truths`.
    guide
        Name of the user's own guide in the same module, which takes the program's arguments.
    pyro_sites
        Sites that Pyro names differently: the NumPyro site, and the Pyro sites that are its slices in order.
    transposed
        Sites whose last two dimensions Pyro stores in reverse, as in torch's linear layers.
    """

    name: str
    family: str
    observed: tuple[str, ...]
    latents: tuple[str, ...]
    discrete: tuple[str, ...] = ()
    deterministic: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    rows: tuple[str, int] | None = None
    exchangeable: tuple[str, ...] = ()
    truth: Callable[[], Moments | LogDensity] | None = None
    guide: str | None = None
    pyro_sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transposed: tuple[str, ...] = ()

    def arguments(self) -> data.Arguments:
        """Positional arguments and keywords, as NumPy arrays and whole numbers."""
        return getattr(data, self.name)()

    def load(self, backend: Backend, name: str | None = None) -> Callable[..., Any]:
        """Return the program, or another function of its module, in one backend."""
        return getattr(importlib.import_module(f"{__name__}.in_{backend}.{self.family}"), name or self.name)

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


USER_PROGRAMS = (
    UserProgram(
        "linear_regression",
        "regressions",
        observed=("obs",),
        latents=("alpha", "beta", "sigma"),
        deterministic=("mean",),
        rows=("data", 30),
        truth=regressions.linear_regression,
    ),
    UserProgram(
        "plated_regression",
        "regressions",
        observed=("y",),
        latents=("b",),
        rows=("n", 25),
        truth=regressions.plated_regression,
    ),
    UserProgram(
        "flat_regression",
        "regressions",
        observed=("y",),
        latents=("coefs", "log_scale"),
        deterministic=("scale",),
        truth=regressions.flat_regression,
    ),
    UserProgram(
        "logistic_regression",
        "regressions",
        observed=("switched",),
        latents=("intercept", "weights"),
        rows=("households", 40),
        truth=regressions.logistic_regression,
    ),
    UserProgram(
        "zero_inflated_poisson",
        "regressions",
        observed=("counts",),
        latents=("a", "b", "g0", "g1"),
        rows=("units", 40),
        truth=regressions.zero_inflated_poisson,
    ),
    UserProgram(
        "poisson_gamma",
        "regressions",
        observed=("failures",),
        latents=("beta", "rate"),
        rows=("pumps", 8),
        truth=regressions.poisson_gamma,
    ),
    UserProgram(
        "eight_schools",
        "hierarchies",
        observed=("obs",),
        latents=("mu", "tau", "theta_tilde"),
        deterministic=("theta",),
        rows=("J", 8),
        truth=hierarchies.eight_schools,
    ),
    UserProgram(
        "radon",
        "hierarchies",
        observed=("log_radon",),
        latents=("mu_a", "sigma_a", "mu_b", "sigma_b", "a", "b", "sigma_y"),
        rows=("house", 40),
        truth=hierarchies.radon,
    ),
    UserProgram(
        "rats",
        "hierarchies",
        observed=("weight",),
        latents=("alpha_mean", "beta_mean", "alpha_sd", "beta_sd", "noise", "alpha", "beta"),
        rows=("rat", 6),
        truth=hierarchies.rats,
    ),
    UserProgram(
        "rat_tumours",
        "hierarchies",
        observed=("deaths",),
        latents=("a", "b", "theta"),
        rows=("experiment", 10),
        truth=hierarchies.rat_tumours,
    ),
    UserProgram(
        "school_effects",
        "hierarchies",
        observed=("score",),
        latents=("mu", "tau", "effect_decentered"),
        deterministic=("effect",),
        rows=("pupils", 25),
        truth=hierarchies.school_effects,
    ),
    UserProgram(
        "item_response",
        "crossed",
        observed=("responses",),
        latents=("ability", "difficulty", "discrimination"),
        rows=("students", 8),
    ),
    UserProgram(
        "item_response_long",
        "crossed",
        observed=("correct",),
        latents=("theta", "mean", "b"),
        rows=("answers", 36),
    ),
    UserProgram(
        "dawid_skene",
        "crossed",
        observed=("y",),
        latents=("beta", "pi"),
        discrete=("c",),
        rows=("item", 15),
    ),
    UserProgram(
        "matrix_factorisation",
        "crossed",
        observed=("ratings",),
        latents=("u", "v", "sd"),
        rows=("users", 8),
    ),
    UserProgram(
        "coal_mining",
        "discrete",
        observed=("disasters",),
        latents=("early", "late"),
        discrete=("tau",),
        rows=("years", 40),
    ),
    UserProgram(
        "occupancy",
        "discrete",
        observed=("detections",),
        latents=("alpha", "beta", "p_detect"),
        discrete=("z",),
        rows=("site", 30),
    ),
    UserProgram(
        "capture_recapture",
        "discrete",
        observed=("captures",),
        latents=("omega", "p"),
        discrete=("real",),
        rows=("M", 24),
    ),
    UserProgram(
        "capture_histories",
        "discrete",
        observed=("y",),
        latents=("phi", "rho"),
        discrete=("z",),
        rows=("animals", 12),
        pyro_sites={"z": tuple(f"z_{t}" for t in range(5)), "y": tuple(f"y_{t}" for t in range(5))},
    ),
    UserProgram(
        "dirichlet_process",
        "mixtures",
        observed=("obs",),
        latents=("alpha", "beta", "mu", "scale"),
        discrete=("z",),
        rows=("points", 30),
    ),
    UserProgram(
        "mixture_of_regressions",
        "mixtures",
        observed=("y",),
        latents=("weights", "intercept", "slope", "sigma"),
        discrete=("line",),
        rows=("N", 30),
        exchangeable=("lines",),
    ),
    UserProgram(
        "ordered_mixture",
        "mixtures",
        observed=("waiting",),
        latents=("p", "means", "sd"),
        discrete=("kind",),
        rows=("eruptions", 30),
    ),
)
BY_NAME = {program.name: program for program in USER_PROGRAMS}
