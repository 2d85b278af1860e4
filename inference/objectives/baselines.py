"""Baselines of REINFORCE: what the objective is expected to be, before the draw is known.

A baseline is a function of a state that earlier steps left, and of the data of the row: the mean of the estimator does
not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from inference.objectives import learning
from inference.objectives.supports import ArrayFunctions
from zoo.errors import ZooError
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
MEMORY = 100  # steps that a running mean remembers
UNITS = 100  # of the hidden layer of a network
RATE = 3e-3  # learning rate of a network


class SignalInputs(NamedTuple):
    """What a signal may depend on, beside the objective at the draws.

    state: of the estimator of this site. features: (B, F), the data of the rows; None for a site outside of the rows.
    functions: of the backend.
    """

    state: Arrays
    features: BackendArray | None
    functions: ArrayFunctions


class Sizes(NamedTuple):
    """Sizes from which a state is made: F, None for a site outside of the rows, and the numbers in a row's value."""

    site: str
    features: int | None
    units: int


@dataclass(frozen=True)
class RunningMean:
    """The mean of the objective over earlier steps, one for all rows."""

    def initial_state(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The state before the first step."""
        return {n: functions.zeros(()) for n in ("mean", "variance", "weight")}

    def value(self, inputs: SignalInputs) -> BackendArray:
        """The baseline in nats: a scalar, or (B,)."""
        return inputs.state["mean"]

    def sd(self, inputs: SignalInputs) -> BackendArray:
        """The standard deviation of the objective over draws and rows of earlier steps, in nats."""
        return inputs.state["variance"] ** 0.5

    def update(self, f: BackendArray, inputs: SignalInputs) -> Arrays:
        """The state after a step with the objective f, (K, ...), at its draws."""
        state = inputs.state
        weight = state["weight"] + 1
        share = inputs.functions.maximum(1 / weight, 1 / MEMORY)  # the first steps have equal weights
        mean = state["mean"] + share * (f.mean() - state["mean"])
        variance = state["variance"] + share * (((f - mean) ** 2).mean() - state["variance"])
        return {**state, "mean": mean, "variance": variance, "weight": weight}


@dataclass(frozen=True)
class Network(RunningMean):
    """A network of the row's data, of one layer of tanh units: an input-dependent baseline (Mnih and Gregor 2014).

    Its output is in standard deviations of the objective from the running mean.
    """

    def initial_state(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """As in the base class; raises ZooError for a site outside of the rows."""
        F = sizes.features
        if F is None:
            raise ZooError(
                f"a network of the data is a baseline for latents of the rows, and {sizes.site} is none: take "
                "baseline='running_mean'"
            )
        weights = {
            "inputs": functions.normal(key, 0, (F, UNITS)) / max(F, 1) ** 0.5,
            "bias": functions.zeros((UNITS,)),
            "outputs": functions.zeros((UNITS,)),
        }
        return {**super().initial_state(sizes, key, functions), **learning.start(weights, functions.zeros)}

    def value(self, inputs: SignalInputs) -> BackendArray:
        """As in the base class, (B,)."""
        output = self.output(learning.values_of(inputs.state), inputs)
        return inputs.state["mean"] + self.sd(inputs) * output

    def update(self, f: BackendArray, inputs: SignalInputs) -> Arrays:
        """As in the base class; the network is trained on the mean over draws, by its squared error."""
        state = inputs.state
        target = (f.mean(0) - state["mean"]) / inputs.functions.maximum(self.sd(inputs), 1e-3)

        def loss(weights: Arrays) -> BackendArray:
            return ((target - self.output(weights, inputs)) ** 2).mean()

        slopes = inputs.functions.slopes(loss, learning.values_of(state))
        after = learning.step(state, slopes, RATE)
        return {**after, **super().update(f, inputs._replace(state=after))}

    @staticmethod
    def output(weights: Arrays, inputs: SignalInputs) -> BackendArray:
        """The network's output, (B,)."""
        x: BackendArray = inputs.features
        spread = ((x - x.mean(0)) ** 2).mean(0) ** 0.5
        hidden = inputs.functions.tanh((x - x.mean(0)) / (spread + 0.1) @ weights["inputs"] + weights["bias"])
        return hidden @ weights["outputs"]


BASELINES = {"running_mean": RunningMean(), "network": Network()}
