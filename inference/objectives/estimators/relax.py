"""RELAX: REBAR with a network of the relaxed draw added to the control variate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.baselines import Sizes
from inference.objectives.estimators.rebar import Rebar
from inference.objectives.forms import DrawnSite
from inference.objectives.supports import ArrayFunctions
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
UNITS = 100  # of the hidden layer


@dataclass(frozen=True)
class Relax(Rebar):
    """As ``rebar`` with s c(z) + r(z) in the place of s c(z), where r is a network of one layer of tanh units.

    Parameters
    ----------
    temperature, scale, rate
        As of ``rebar``. The rate is that of the network too.
    """

    name: ClassVar[str] = "relax"
    citation: ClassVar[str] = "Grathwohl, Choi, Wu, Roeder and Duvenaud (2018), Backpropagation through the void, ICLR"

    def initial_network(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """Weights whose output is 0."""
        U = sizes.units
        return {
            "inputs": functions.normal(key, 0, (U, UNITS)) / U**0.5,
            "bias": functions.zeros((UNITS,)),
            "outputs": functions.zeros((UNITS,)),
        }

    def network(self, state: Arrays, site: DrawnSite, z: BackendArray) -> BackendArray:
        """r(z), by row."""
        hidden = site.functions.tanh(site.flatten(z) @ state["inputs"] + state["bias"])
        return site.sum_plates(hidden @ state["outputs"])


ESTIMATOR = Relax
