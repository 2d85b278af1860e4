"""Numbers of zero and one, and one-hot vectors: draws from noise, relaxations and densities, on arrays of a backend.

A draw is the hard value of z, which depends smoothly on the logits given noise: for a Bernoulli number
z = logit p + log u - log(1 - u), with b = 1[z > 0]; for a one-hot vector z = log p - log(-log u), with b one at the
largest (Gumbel and Maddison et al. 2014). The relaxation at a temperature is sigmoid(z / temperature), or its softmax.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma
from typing import ClassVar, Protocol

import numpy as np

from zoo.types import BackendArray


class ArrayFunctions(Protocol):
    """What ``inference.objectives.estimators.in_<backend>`` provides for arithmetic."""

    def array(self, values: np.ndarray) -> BackendArray: ...
    def shuffle_columns(self, key: BackendArray, number: int, array: BackendArray) -> BackendArray: ...
    def shuffle_rows(self, key: BackendArray, number: int, array: BackendArray) -> BackendArray: ...
    def concatenate(self, arrays: list[BackendArray], axis: int) -> BackendArray: ...
    def log_mean_exp(self, array: BackendArray) -> BackendArray: ...
    def stack(self, arrays: list[BackendArray]) -> BackendArray: ...
    def zeros(self, shape: tuple[int, ...]) -> BackendArray: ...
    def normal(self, key: BackendArray, number: int, shape: tuple[int, ...]) -> BackendArray: ...
    def maximum(self, a: BackendArray, b: BackendArray) -> BackendArray: ...
    def slopes(
        self, function: Callable[[dict[str, BackendArray]], BackendArray], values: dict[str, BackendArray]
    ) -> dict[str, BackendArray]: ...
    def detach(self, array: BackendArray) -> BackendArray: ...
    def exp(self, array: BackendArray) -> BackendArray: ...
    def log(self, array: BackendArray) -> BackendArray: ...
    def sin(self, array: BackendArray) -> BackendArray: ...
    def tanh(self, array: BackendArray) -> BackendArray: ...
    def sigmoid(self, array: BackendArray) -> BackendArray: ...
    def softplus(self, array: BackendArray) -> BackendArray: ...
    def log_softmax(self, array: BackendArray) -> BackendArray: ...
    def one_hot_of_largest(self, array: BackendArray) -> BackendArray: ...
    def where(self, condition: BackendArray, a: BackendArray, b: BackendArray) -> BackendArray: ...


@dataclass(frozen=True)
class Support(ABC):
    """A support, with the functions of a backend. Noise is uniform between 0 and 1, of the shape of the logits."""

    element_dim: ClassVar[int] = 0  # dimensions of one unit of a value

    functions: ArrayFunctions

    @abstractmethod
    def relaxable(self, logits: BackendArray, u: BackendArray) -> BackendArray:
        """z, whose hard value is a draw."""

    @abstractmethod
    def relaxable_given(self, logits: BackendArray, value: BackendArray, v: BackendArray) -> BackendArray:
        """z given its hard value, from other noise: equations 10 and 11 of Tucker et al. (2017)."""

    @abstractmethod
    def hard(self, z: BackendArray) -> BackendArray:
        """The value of z that a draw has."""

    def draw(self, logits: BackendArray, u: BackendArray) -> BackendArray:
        """The hard value of ``relaxable(logits, u)``."""
        return self.hard(self.relaxable(logits, u))

    @abstractmethod
    def soft(self, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The relaxed value of z."""

    @abstractmethod
    def mean(self, logits: BackendArray) -> BackendArray:
        """The mean of a draw."""

    @abstractmethod
    def log_prob(self, logits: BackendArray, value: BackendArray) -> BackendArray:
        """log p of hard values in nats, continued linearly to soft ones; one number for each unit."""

    @abstractmethod
    def log_density(self, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        """The log density in nats of ``z / temperature``: of one-hot vectors, of its log softmax; one for each unit."""

    @abstractmethod
    def kl(self, q: BackendArray, p: BackendArray) -> BackendArray:
        """KL(q || p) in nats between distributions of hard values with these logits; one number for each unit."""

    @abstractmethod
    def dot(self, a: BackendArray, b: BackendArray) -> BackendArray:
        """The product of two values, summed over the elements of a unit."""


@dataclass(frozen=True)
class Binary(Support):
    """Numbers that are 0 or 1; z is its logistic variable."""

    def relaxable(self, logits: BackendArray, u: BackendArray) -> BackendArray:
        return logits + self.logit(u)

    def relaxable_given(self, logits: BackendArray, value: BackendArray, v: BackendArray) -> BackendArray:
        softplus, odds = self.functions.softplus, self.logit(v)
        return value * softplus(odds + softplus(logits)) - (1 - value) * softplus(odds + softplus(-logits))

    def hard(self, z: BackendArray) -> BackendArray:
        return (z > 0) * 1.0

    def draw(self, logits: BackendArray, u: BackendArray) -> BackendArray:
        return (u > self.functions.sigmoid(-logits)) * 1.0  # without logarithms

    def soft(self, z: BackendArray, temperature: BackendArray) -> BackendArray:
        return self.functions.sigmoid(z / temperature)

    def mean(self, logits: BackendArray) -> BackendArray:
        return self.functions.sigmoid(logits)

    def log_prob(self, logits: BackendArray, value: BackendArray) -> BackendArray:
        return value * logits - self.functions.softplus(logits)

    def log_density(self, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        noise = z - logits
        return self.functions.log(temperature) - noise - 2 * self.functions.softplus(-noise)

    def kl(self, q: BackendArray, p: BackendArray) -> BackendArray:
        mean = self.functions.sigmoid(q)
        return self.log_prob(q, mean) - self.log_prob(p, mean)

    def dot(self, a: BackendArray, b: BackendArray) -> BackendArray:
        return a * b

    def logit(self, u: BackendArray) -> BackendArray:
        """log u - log(1 - u)."""
        return self.functions.log(u) - self.functions.log(1 - u)


@dataclass(frozen=True)
class OneHot(Support):
    """Vectors, the last dimension, of which one element is 1; z is the vector of its Gumbel variables."""

    element_dim: ClassVar[int] = 1

    def relaxable(self, logits: BackendArray, u: BackendArray) -> BackendArray:
        return self.functions.log_softmax(logits) + self.gumbel(u)

    def relaxable_given(self, logits: BackendArray, value: BackendArray, v: BackendArray) -> BackendArray:
        log, p = self.functions.log, self.functions.exp(self.functions.log_softmax(logits))
        largest = -(value * log(v)).sum(-1)[..., None]  # minus log v of the element that is 1
        return -log(self.functions.where(value > 0, largest, -log(v) / p + largest))

    def hard(self, z: BackendArray) -> BackendArray:
        return self.functions.one_hot_of_largest(z)

    def soft(self, z: BackendArray, temperature: BackendArray) -> BackendArray:
        return self.functions.exp(self.functions.log_softmax(z / temperature))

    def mean(self, logits: BackendArray) -> BackendArray:
        return self.functions.exp(self.functions.log_softmax(logits))

    def log_prob(self, logits: BackendArray, value: BackendArray) -> BackendArray:
        return (value * self.functions.log_softmax(logits)).sum(-1)

    def log_density(self, logits: BackendArray, z: BackendArray, temperature: BackendArray) -> BackendArray:
        # of y = log softmax(z / temperature), equation 26 of Maddison, Mnih and Teh (2017): in y no value underflows
        K = logits.shape[-1]
        y = self.functions.log_softmax(z / temperature)
        shares = self.functions.log_softmax(self.functions.log_softmax(logits) - temperature * y)
        return shares.sum(-1) + lgamma(K) + (K - 1) * self.functions.log(temperature)

    def kl(self, q: BackendArray, p: BackendArray) -> BackendArray:
        log_q = self.functions.log_softmax(q)
        return (self.functions.exp(log_q) * (log_q - self.functions.log_softmax(p))).sum(-1)

    def dot(self, a: BackendArray, b: BackendArray) -> BackendArray:
        return (a * b).sum(-1)

    def gumbel(self, u: BackendArray) -> BackendArray:
        """-log(-log u)."""
        return -self.functions.log(-self.functions.log(u))


SUPPORTS: dict[str, type[Support]] = {"binary": Binary, "one_hot": OneHot}
