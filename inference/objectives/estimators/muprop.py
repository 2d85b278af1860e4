"""MuProp: the first-order Taylor expansion of the objective at the mean of the site is the control variate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from inference.objectives.forms import DrawnSite, EvaluatingEstimator
from inference.objectives.supports import Support
from zoo.types import BackendArray

Arrays = dict[str, BackendArray]


@dataclass(frozen=True)
class MuProp(EvaluatingEstimator):
    """(f(b) - f(m) - f'(m) (b - m)) d log q(b) + f'(m) dm, where m is the mean of the site given earlier draws."""

    name: ClassVar[str] = "muprop"
    citation: ClassVar[str] = "Gu, Levine, Sutskever and Mnih (2016), MuProp: unbiased backpropagation, ICLR"
    kinds: ClassVar[tuple[str, ...]] = ("binary", "one_hot")
    evaluations_per_draw: ClassVar[int] = 2

    def parts(self, site: DrawnSite, state: Arrays) -> Arrays:
        """The remainder of the expansion, and the derivative at the mean."""
        mean = site.support.mean(site.logits)
        f, slope = site.evaluate_at(mean, lambda z: z, take_mean)
        return {"remainder": site.f - f - site.sum(site.support.dot(slope, site.value - mean)), "slope": slope}

    def surrogate(self, logits: BackendArray, parts: Arrays, site: DrawnSite) -> BackendArray:
        """The remainder times log q, and the derivative times the mean."""
        support = site.support
        score = parts["remainder"] * site.sum(support.log_prob(logits, site.value))
        return score + site.sum(support.dot(parts["slope"], support.mean(logits)))


def take_mean(support: Support, logits: BackendArray, z: BackendArray) -> BackendArray:
    """The mean in the place of a draw."""
    return support.mean(logits)


ESTIMATOR = MuProp
