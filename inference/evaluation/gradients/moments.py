"""Moments of repeated draws of a gradient: variances, and biases that are corrected for the noise of their estimate.

The draws come in B batches of c. The squared norm of the mean error of n draws has the expectation |bias|^2 + V / n,
V the trace of the covariance, and so is no estimate of |bias|^2. The mean over pairs of batches of the inner product of
their mean errors is an unbiased one. It can be negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MAX_BATCHES = 50
STATE_STEPS = 200  # at fixed parameters before the draws, of estimators with a state such as a running mean
NUM_FLIPS = 20_000  # sets of random signs in a test, so that the least p is 5e-5
ROUNDING = 1e-10  # of the norm of the gradient: a smaller bias is none


@dataclass(frozen=True)
class GradientDraws:
    """Draws of a gradient in batches.

    means: (B, P), the mean of each batch. squares: (B, parameters), sums of squared deviations from it over the draws
    and the entries of each parameter. size: c, draws of a batch. seconds: of one draw.
    """

    means: np.ndarray
    squares: np.ndarray
    size: int
    seconds: float

    @property
    def num_draws(self) -> int:
        """The number of draws, n."""
        return len(self.means) * self.size


class GroupMoments(NamedTuple):
    """Moments of the gradient of a group of parameters.

    variance, variance_se: the trace of the covariance of one draw, and its standard error. bias_squared,
    bias_squared_se: the squared norm of the bias, and its standard error; the former may be negative. p: the
    probability of batches this far from the reference, if there is no bias.
    """

    variance: float
    variance_se: float
    bias_squared: float
    bias_squared_se: float
    p: float

    @property
    def bias(self) -> float:
        """The norm of the bias; 0 where its square is estimated as negative."""
        return float(np.sqrt(max(self.bias_squared, 0.0)))

    @property
    def bias_interval(self) -> tuple[float, float]:
        """The central 95% interval of the norm of the bias, by two standard errors of its square."""
        low, high = (self.bias_squared + sign * 1.96 * self.bias_squared_se for sign in (-1, 1))
        return float(np.sqrt(max(low, 0.0))), float(np.sqrt(max(high, 0.0)))


def batch_sizes(num_draws: int) -> tuple[int, int]:
    """The number of batches and the draws of each, together at least ``num_draws``.

    >>> batch_sizes(500), batch_sizes(7)
    ((50, 10), (7, 1))
    """
    batches = min(num_draws, MAX_BATCHES)
    return batches, -(-num_draws // batches)


def group_moments(
    draws: GradientDraws, reference: np.ndarray, entries: np.ndarray, parameters: Sequence[int], seed: int
) -> GroupMoments:
    """The moments of a group.

    reference: (P,) the gradient where it is exact, or (B, P) means of batches of draws that estimate it. entries: of
    the P numbers those of the group. parameters: the columns of ``draws.squares`` of the group.
    """
    means, target = draws.means[:, entries], reference[..., entries]
    variance, variance_se = total_variance(means, draws.squares[:, parameters].sum(1), draws.size)
    errors = means - target
    gram = errors @ errors.T
    norm = float(np.linalg.norm(target if target.ndim == 1 else target.mean(0)))
    if np.linalg.norm(errors.mean(0)) <= ROUNDING * norm:
        return GroupMoments(variance, variance_se, 0.0, 0.0, 1.0)
    return GroupMoments(variance, variance_se, *mean_product(gram), flip_test(gram, seed))


def total_variance(means: np.ndarray, squares: np.ndarray, size: int) -> tuple[float, float]:
    """The trace of the covariance of one draw, and its standard error, of B batch means and sums of squares."""
    batches = len(means)
    sums = squares + size * ((means - means.mean(0)) ** 2).sum(1)
    scale = batches / (batches * size - 1)
    return float(scale * sums.mean()), float(scale * sums.std(ddof=1) / np.sqrt(batches))


def mean_product(gram: np.ndarray) -> tuple[float, float]:
    """The mean of the inner products of different errors, an estimate of |bias|^2, with its standard error.

    gram: (B, B), the inner products of B independent errors with mean b and covariance S. The standard error is that
    of a U-statistic: its variance is 4 b'Sb / B + 2 tr(S^2) / (B (B - 1)).
    """
    B = len(gram)
    off_diagonal = gram - np.diag(np.diag(gram))
    mean = off_diagonal.sum() / (B * (B - 1))
    if B == 2:  # one product: of its spread nothing is known but the size
        return float(mean), float(abs(mean))
    of_batch = off_diagonal.sum(1) / (B - 1)
    among_batches = of_batch.var(ddof=1)
    among_pairs = (off_diagonal**2).sum() / (B * (B - 1)) - mean**2
    # expectations: among_pairs = 2 linear + quadratic; among_batches as below (B large enough in the first)
    factor = (B - 2) / (B - 1) ** 2
    linear = max((among_batches - factor * among_pairs) / (factor * (B - 2) - 2 * factor), 0.0) if B > 4 else 0.0
    quadratic = max(among_pairs - 2 * linear, 0.0)
    return float(mean), float(np.sqrt(4 * linear / B + 2 * quadratic / (B * (B - 1))))


def flip_test(gram: np.ndarray, seed: int) -> float:
    """The probability, under random signs of the errors, of a mean at least as far from 0 as theirs.

    Without a bias, the means of batches are about symmetric around the reference, whatever their covariance.
    """
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (NUM_FLIPS, len(gram)))
    lengths = np.einsum("fb,fb->f", signs @ gram, signs)
    return float((1 + (lengths >= gram.sum() * (1 - 1e-12)).sum()) / (1 + NUM_FLIPS))


def parameter_groups(names: Sequence[str]) -> Mapping[str, list[int]]:
    """The numbers of the parameters of each group, which is the first part of their name.

    >>> dict(parameter_groups(["decoder.x.bias", "decoder.x.weight", "logits"]))
    {'decoder': [0, 1], 'logits': [2]}
    """
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        groups.setdefault(name.split(".")[0], []).append(i)
    return groups
