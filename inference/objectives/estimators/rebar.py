"""REBAR: the objective at relaxed draws, and at relaxed draws given the hard one, is the control variate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives import learning
from inference.objectives.baselines import Sizes
from inference.objectives.forms import DrawnSite, EvaluatingEstimator
from inference.objectives.supports import ArrayFunctions, Support
from zoo.errors import ZooError
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]


@dataclass(frozen=True)
class Rebar(EvaluatingEstimator):
    """(f(b) - s c(z')) d log q(b) + s (dc(z) - dc(z')) with c(z) = f(relaxed z), and z' drawn given b.

    Discrete latents drawn after the site are relaxed too where c is evaluated.

    Parameters
    ----------
    temperature : float, default 0.5
        Of the relaxation, above 0; at first, where it is learned.
    scale : float, default 1
        s; at first, where it is learned.
    rate : float, default 0.01
        The learning rate of both, which follow the gradient of the variance; 0 keeps them.

    Raises
    ------
    ZooError
        For a temperature of 0 or below, and a negative rate.
    """

    name: ClassVar[str] = "rebar"
    citation: ClassVar[str] = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein (2017), REBAR, NeurIPS"
    kinds: ClassVar[tuple[str, ...]] = ("binary", "one_hot")
    evaluations_per_draw: ClassVar[int] = 3
    relaxes_later: ClassVar[bool] = True

    temperature: float = 0.5
    scale: float = 1.0
    rate: float = 0.01

    def __post_init__(self) -> None:
        for name, value, allowed in (("temperature", self.temperature, "above 0"), ("rate", self.rate, "from 0 up")):
            if isinstance(value, bool | str) or not (value > 0 or (name == "rate" and value == 0)):
                raise ZooError(f"{name} of {self.name} is a number {allowed}; given {value!r}")

    def initial_state(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """The scale and the logarithm of the temperature, with what learning them needs."""
        zero = functions.zeros(())
        values = {"scale": zero + self.scale, "log_temperature": functions.log(zero + self.temperature)}
        return learning.start({**values, **self.initial_network(sizes, key, functions)}, functions.zeros)

    def initial_network(self, sizes: Sizes, key: BackendArray, functions: ArrayFunctions) -> Arrays:
        """Weights of a network that is added to c; none."""
        return {}

    def network(self, state: Arrays, site: DrawnSite, z: BackendArray) -> BackendArray:
        """What is added to s c(z), by row."""
        return 0.0

    @property
    def learning_rate(self) -> float:
        """The option ``rate``."""
        return self.rate

    def parts(self, site: DrawnSite, state: Arrays) -> Arrays:
        """The signal, and the derivatives of c by both relaxed draws."""
        support, scale, v = site.support, state["scale"], site.noise()
        temperature = site.functions.exp(state["log_temperature"])

        def relax(support: Support, logits: BackendArray, z: BackendArray) -> BackendArray:
            return support.soft(z, temperature)

        def at(z: BackendArray) -> tuple[BackendArray, BackendArray]:
            return site.evaluate_at(
                z,
                lambda z: support.soft(z, temperature),
                relax,
                lambda f, z: scale * f + self.network(state, site, z),
            )

        _, slope = at(support.relaxable(site.logits, site.u))
        given, slope_given = at(support.relaxable_given(site.logits, site.value, v))
        return {"signal": site.f - given, "slope": slope, "slope_given": slope_given, "v": v}

    def surrogate(self, logits: BackendArray, parts: Arrays, site: DrawnSite) -> BackendArray:
        """The signal times log q, and the derivatives times the relaxed draws."""
        support = site.support
        z, z_given = support.relaxable(logits, site.u), support.relaxable_given(logits, site.value, parts["v"])
        paths = support.dot(parts["slope"], z) - support.dot(parts["slope_given"], z_given)
        return parts["signal"] * site.sum(support.log_prob(logits, site.value)) + site.sum(paths)


ESTIMATOR = Rebar
