"""The forms of estimators, beside ``Enumerate``: by the score, by more evaluations, by relaxation.

With f(b) the objective at a draw b, up to a constant that does not depend on the parameters of q(b), every unbiased
estimator has the mean d E_q f(b). Each form gives a term whose derivative is the estimate; its value does not count.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from inference.objectives.baselines import SignalInputs
from inference.objectives.estimators import Estimator
from inference.objectives.supports import ArrayFunctions, Support
from zoo.errors import ZooError
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]
Relax: TypeAlias = Callable[[Support, BackendArray, BackendArray], BackendArray]  # of a support, logits and z
RELAXED_KLS = ("categorical", "relaxed")


@dataclass(frozen=True)
class ScoreEstimator(Estimator):
    """Weighs the score of each draw, d log q(b)."""

    @property
    def uses_data(self) -> bool:
        """Whether the signal depends on the data of the row, beside the objective."""
        return False

    @abstractmethod
    def signal(self, f: BackendArray, inputs: SignalInputs) -> BackendArray:
        """The weight of the score of each draw, for ``elbo``.

        Parameters
        ----------
        f : array, (K, ...)
            The objective at each of K draws, in nats.
        inputs : SignalInputs
            The state of the estimator, the data of the rows, and functions of arrays.

        Returns
        -------
        array, (K, ...)
        """

    def signal_of_weights(self, log_weights: BackendArray, inputs: SignalInputs) -> BackendArray:
        """The weight of the score of each draw, for ``iwae``.

        Parameters
        ----------
        log_weights : array, (K, ...)
            log p(x, b) - log q(b) of each draw, in nats.
        inputs : SignalInputs
            As for ``signal``.

        Returns
        -------
        array, (K, ...)
        """
        bound = self.signal(inputs.functions.log_mean_exp(log_weights)[None], inputs)
        return inputs.functions.stack([bound[0]] * len(log_weights))

    def update(self, f: BackendArray, inputs: SignalInputs) -> Arrays:
        """The state after a step: f is as for ``signal``, or (1, ...) the bound of ``iwae``."""
        return inputs.state


class DrawnSite(Protocol):
    """One draw of a site: arrays without gradients, with the dimensions of the site's value.

    logits: of the guide. u: the noise of the draw. value: the draw. f: the objective there in nats, by row or a scalar.
    support: of the value.
    """

    logits: BackendArray
    u: BackendArray
    value: BackendArray
    f: BackendArray
    support: Support
    functions: ArrayFunctions

    def noise(self) -> BackendArray:
        """More uniform noise of the shape of the logits; the same in every call."""
        ...

    def evaluate(self, value: BackendArray) -> BackendArray:
        """The objective at another draw of the guide, which counts in the bound, with later latents drawn anew."""
        ...

    def evaluate_at(
        self,
        z: BackendArray,
        value: Callable[[BackendArray], BackendArray],
        later: Relax,
        change: Callable[[BackendArray, BackendArray], BackendArray] = lambda f, z: f,
    ) -> tuple[BackendArray, BackendArray]:
        """``change(f, z)`` of the objective f at ``value(z)``, and its derivative by z.

        Discrete latents drawn later have the value ``later(support, logits, z)``, where their supports allow it.
        """
        ...

    def sum(self, array: BackendArray) -> BackendArray:
        """One number for each unit of the value, summed by row; a scalar for a site outside of the rows."""
        ...

    def flatten(self, value: BackendArray) -> BackendArray:
        """A value with its units in one last dimension."""
        ...

    def sum_plates(self, array: BackendArray) -> BackendArray:
        """One number for each value, summed by row; a scalar for a site outside of the rows."""
        ...


@dataclass(frozen=True)
class EvaluatingEstimator(Estimator):
    """Evaluates the objective at more values of the site, for each draw."""

    bounds: ClassVar[tuple[str, ...]] = ("elbo",)

    @abstractmethod
    def parts(self, site: DrawnSite, state: Arrays) -> Arrays:
        """What multiplies functions of the logits in ``surrogate``; differentiable by the state."""

    @abstractmethod
    def surrogate(self, logits: BackendArray, parts: Arrays, site: DrawnSite) -> BackendArray:
        """The term whose derivative by the logits is the estimate, by row or a scalar."""

    @property
    def learning_rate(self) -> float:
        """Of the state, which follows the gradient of the variance; 0 where it does not."""
        return 0.0


@dataclass(frozen=True)
class AntitheticEstimator(EvaluatingEstimator):
    """Two coupled draws b = 1[u > 1 - p] and c = 1[u < p] of Bernoulli numbers of probability p."""

    kinds: ClassVar[tuple[str, ...]] = ("binary",)
    evaluations_per_draw: ClassVar[int] = 2

    @abstractmethod
    def slope(self, u: BackendArray, p: BackendArray, b: BackendArray, c: BackendArray) -> BackendArray:
        """The derivative by the logit of each number, divided by f(b) - f(c).

        Parameters
        ----------
        u : array
            Uniform numbers between 0 and 1.
        p, b, c : array
            The probability of 1, and the two draws.

        Returns
        -------
        array
        """

    @staticmethod
    def coupled(u: BackendArray, p: BackendArray) -> BackendArray:
        """The second draw, c."""
        return (u < p) * 1.0

    def parts(self, site: DrawnSite, state: Arrays) -> Arrays:
        """The difference of the objective, and the slope."""
        p = site.support.mean(site.logits)
        c = self.coupled(site.u, p)
        return {"difference": site.f - site.evaluate(c), "slope": self.slope(site.u, p, site.value, c)}

    def surrogate(self, logits: BackendArray, parts: Arrays, site: DrawnSite) -> BackendArray:
        """The difference times slope times logit."""
        return parts["difference"] * site.sum(parts["slope"] * logits)


@dataclass(frozen=True)
class RelaxedEstimator(Estimator, ABC):
    """Draws a value with a gradient, and so optimises another objective.

    The densities are "categorical": those of hard values, continued linearly, or the KL divergence in closed form where
    there is one and the objective is ``elbo``; or "relaxed": those of the continuous values.
    """

    is_unbiased: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("binary", "one_hot")

    @property
    def density(self) -> str:
        """Which densities the objective has: a word of ``RELAXED_KLS``."""
        return RELAXED_KLS[0]

    def temperature_at(self, fraction: BackendArray) -> BackendArray:
        """The temperature at a fraction of training."""
        return 1.0

    @abstractmethod
    def value(self, support: Support, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The value of a draw.

        Parameters
        ----------
        support : Support
        logits : array
        z : array
            ``support.relaxable(logits, u)``.
        temperature : float or array

        Returns
        -------
        array
        """


@dataclass(frozen=True)
class GumbelEstimator(RelaxedEstimator):
    """A relaxed draw at a temperature.

    Parameters
    ----------
    temperature : float or callable, default 0.5
        A number above 0, or a function of the fraction of training that is done.
    kl : {"categorical", "relaxed"}, default "categorical"
        The densities of the objective. With "categorical" and relaxed draws it is no bound; with "relaxed" it is one
        for the program with the relaxed prior.

    Raises
    ------
    ZooError
        For a temperature of 0 or below, and an unknown word.
    """

    temperature: float | Callable[[BackendArray], BackendArray] = 0.5
    kl: str = "categorical"

    def __post_init__(self) -> None:
        if self.kl not in RELAXED_KLS:
            raise ZooError(f"kl of {self.name} is {' or '.join(map(repr, RELAXED_KLS))}; given {self.kl!r}")
        for fraction in (0.0, 0.5, 1.0):
            value = self.temperature_at(fraction)
            if isinstance(value, bool | str) or np.ndim(value) != 0 or not 0 < float(value) < np.inf:
                at = f" at the fraction {fraction} of training" if callable(self.temperature) else ""
                raise ZooError(f"temperature is a number above 0, or a function of the fraction; given {value!r}{at}")

    @property
    def density(self) -> str:
        """The option ``kl``."""
        return self.kl

    def temperature_at(self, fraction: BackendArray) -> BackendArray:
        """The option ``temperature``, or its value at a fraction of training."""
        return self.temperature(fraction) if callable(self.temperature) else self.temperature
