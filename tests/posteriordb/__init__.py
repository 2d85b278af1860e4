"""Posteriors of posteriordb: data, reference draws, and the arguments of our programs for the same models.

Magnusson, M., Torgander, J., Bürkner, P.-C., Zhang, L., Carpenter, B. and Vehtari, A. (2024). posteriordb: testing,
benchmarking and developing Bayesian inference algorithms. arXiv:2407.04967. The draws (10 chains of 1000, thinned, by
Stan) passed the checks of its authors, and are under a BSD-3 licence. The programs are in ``in_numpyro.py`` and
``in_pyro.py``; their sites have the names of the quantities in the draws.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.posteriordb.files import DATA, DRAWS

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Posterior:
    """A posterior with reference draws.

    Attributes
    ----------
    program : str
        The name of the function in both ``in_numpyro.py`` and ``in_pyro.py``.
    data, draws : str
        The names of the files of posteriordb.
    arguments : callable
        ``arguments(data) -> (args, kwargs)`` of the program.
    sites : tuple of str
        The sites, sampled or deterministic, that have reference draws.
    is_chain : bool
        Whether the program has a Markov chain of discrete latents.
    solver_error : float
        The largest difference of log densities, in nats, by the solvers of a differential equation.
    start : dict of str to float or list
        Values at which chains begin, where a start far from the posterior has an explosive series or a stiff equation.
    options : dict of str to dict
        By backend, options of NUTS other than the defaults: fewer iterations where a gradient is slow.
    """

    program: str
    data: str
    draws: str
    arguments: Callable[[dict[str, Any]], Arguments]
    sites: tuple[str, ...]
    is_chain: bool = False
    solver_error: float = 0.0
    start: dict[str, Any] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    def load_data(self) -> dict[str, Any]:
        """Numbers and arrays by their names in Stan; raises ZooError where the file is neither here nor fetched."""
        content = _read(DATA[self.data])
        return {name: np.asarray(value) if isinstance(value, list) else value for name, value in content.items()}

    def load_arguments(self) -> Arguments:
        """Positional and keyword arguments of the program."""
        return self.arguments(self.load_data())

    def load_draws(self) -> dict[str, np.ndarray]:
        """Reference draws ``{site: (chain, draw, *shape)}``, elements in the order of Stan's indices."""
        chains = _read(DRAWS[self.draws])
        return {site: _stack(chains, site) for site in self.sites}


def _read(file: Any) -> Any:
    """The content of the one JSON file in a zip file."""
    with zipfile.ZipFile(file.path()) as archive:
        (member,) = archive.namelist()
        return json.loads(archive.read(member))


def _stack(chains: list[dict[str, list[float]]], site: str) -> np.ndarray:
    """The draws of ``site``, or of ``site[1]``, ``site[2]``, ... in this order."""
    names = [name for name in chains[0] if re.fullmatch(rf"{site}(\[\d+\])?", name)]
    if names == [site]:
        return np.array([chain[site] for chain in chains])
    if names != [f"{site}[{i}]" for i in range(1, len(names) + 1)]:
        raise ValueError(f"the reference draws of {site} are {names}: a scalar or a vector is expected")
    return np.array([[chain[name] for name in names] for chain in chains]).swapaxes(1, 2)


def _positional(*names: str) -> Callable[[dict[str, Any]], Arguments]:
    """Arguments that are data of these names, in this order."""
    return lambda data: (tuple(data[name] for name in names), {})


def _mesquite_arguments(data: dict[str, Any]) -> Arguments:
    measurements = ("diam1", "diam2", "canopy_height", "total_height", "density", "group")
    return (data["weight"],), {name: data[name] for name in measurements}


def _kilpisjarvi_arguments(data: dict[str, Any]) -> Arguments:
    priors = {name: (data[f"pmu{name}"], data[f"ps{name}"]) for name in ("alpha", "beta")}
    return (data["x"], data["y"]), {f"{name}_prior": prior for name, prior in priors.items()}


POSTERIORS = (
    Posterior(
        "eight_schools",
        "eight_schools",
        "eight_schools-eight_schools_noncentered",
        _positional("J", "y", "sigma"),
        ("theta", "mu", "tau"),
    ),
    Posterior("linear_regression", "sblrc", "sblrc-blr", _positional("X", "y"), ("beta", "sigma")),
    Posterior(
        "kid_scores",
        "kidiq",
        "kidiq-kidscore_momhsiq",
        _positional("mom_hs", "mom_iq", "kid_score"),
        ("beta", "sigma"),
    ),
    Posterior(
        "earnings",
        "earnings",
        "earnings-logearn_interaction",
        lambda data: (tuple(data[name].astype(float) for name in ("earn", "height", "male")), {}),
        ("beta", "sigma"),
        options={  # 170 leapfrog steps an iteration
            "numpyro": {"num_warmup": 300, "num_samples": 300, "num_chains": 2},
            "pyro": {"num_warmup": 200, "num_samples": 200, "num_chains": 2},
        },
    ),
    Posterior("mesquite", "mesquite", "mesquite-logmesquite", _mesquite_arguments, ("beta", "sigma")),
    Posterior(
        "kilpisjarvi",
        "kilpisjarvi_mod",
        "kilpisjarvi_mod-kilpisjarvi",
        _kilpisjarvi_arguments,
        ("alpha", "beta", "sigma"),
        start={"alpha": 9.3, "beta": 0.0, "sigma": 1.0},
        options={  # 600 leapfrog steps an iteration
            "numpyro": {"num_warmup": 300, "num_samples": 300, "num_chains": 2},
            "pyro": {"num_warmup": 150, "num_samples": 150, "num_chains": 2},
        },
    ),
    Posterior("autoregression", "arK", "arK-arK", _positional("y", "K"), ("alpha", "beta", "sigma")),
    Posterior(
        "arma",
        "arma",
        "arma-arma11",
        _positional("y"),
        ("mu", "phi", "theta", "sigma"),
        start={"mu": 0.0, "phi": 0.0, "theta": 0.0, "sigma": 1.0},
    ),
    Posterior(
        "gaussian_process", "gp_pois_regr", "gp_pois_regr-gp_regr", _positional("x", "y"), ("rho", "alpha", "sigma")
    ),
    Posterior(
        "lotka_volterra",
        "hudson_lynx_hare",
        "hudson_lynx_hare-lotka_volterra",
        lambda data: ((data["ts"], data["y_init"]), {"y": data["y"]}),
        ("theta", "z_init", "sigma"),
        # log populations are up to 1e-4 off, residuals around 1 over variances of 0.06, for 42 observations
        solver_error=0.05,
        # of the size of the published estimates: scales of the chains are those of the curvature at the start
        start={"theta": [0.5, 0.03, 0.8, 0.03], "z_init": [30.0, 6.0], "sigma": [0.3, 0.3]},
        options={
            "numpyro": {"num_warmup": 200, "num_samples": 300, "num_chains": 2},  # a gradient takes a millisecond
            "pyro": {"num_warmup": 150, "num_samples": 200, "num_chains": 2},
        },
    ),
    Posterior(
        "hidden_markov",
        "hmm_example",
        "hmm_example-hmm_example",
        _positional("y"),
        ("theta1", "theta2", "mu"),
        is_chain=True,
    ),
)
