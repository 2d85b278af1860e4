"""Codes and factors of the same rows, as the metrics take them, and what several metrics compute from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from inference.analysis.disentanglement.mutual_information import (
    NOISE,
    entropy,
    equal_width_bins,
    information_by_neighbours,
    information_of_labels,
)

TEST_SHARE = 0.25  # of the rows, on which predictions are scored
PERFECT_SD = 0.01  # of the smallest gap between values: the posterior of a perfect code


@dataclass(frozen=True, eq=False)
class Factor:
    """One factor of the rows.

    Parameters
    ----------
    name : str
    values : ndarray, (N,)
        Numbers; the position of a word among the sorted words.
    is_discrete : bool
        Whether equal values are a group of rows.
    """

    name: str
    values: np.ndarray
    is_discrete: bool

    @cached_property
    def labels(self) -> np.ndarray:
        """Whole numbers from 0: the groups of a discrete factor, bins of equal width of a continuous one."""
        groups = self.values if self.is_discrete else equal_width_bins(self.values)
        return np.unique(groups, return_inverse=True)[1].reshape(-1)

    @cached_property
    def num_classes(self) -> int:
        """The number of labels."""
        return int(self.labels.max()) + 1

    @cached_property
    def entropy(self) -> float:
        """The entropy of the labels in nats."""
        return entropy(self.labels)

    def take(self, index: np.ndarray) -> Factor:
        """The factor of some rows."""
        return replace(self, values=self.values[index])


@dataclass(frozen=True, eq=False)
class CodesAndFactors:
    """Codes and factors of the same rows; no dimension of the codes is constant.

    Parameters
    ----------
    codes : ndarray, (N, Z)
        Codes, or means of posteriors.
    factors : tuple of Factor
        K factors of N values each.
    sd : ndarray, (N, Z), optional
        Standard deviations of the posteriors.
    seed : int, default 0
        Of splits, and of what metrics draw.
    fast : bool, default False
        Whether metrics may take a cheaper learner.
    """

    codes: np.ndarray
    factors: tuple[Factor, ...]
    sd: np.ndarray | None = None
    seed: int = 0
    fast: bool = False

    @property
    def Z(self) -> int:
        """The number of dimensions of the codes."""
        return self.codes.shape[1]

    @property
    def K(self) -> int:
        """The number of factors."""
        return len(self.factors)

    def take(self, index: np.ndarray, seed: int) -> CodesAndFactors:
        """Some rows, with another seed."""
        sd = None if self.sd is None else self.sd[index]
        factors = tuple(f.take(index) for f in self.factors)
        return replace(self, codes=self.codes[index], factors=factors, sd=sd, seed=seed)

    def permuted(self) -> CodesAndFactors:
        """The codes in the order of a random permutation of the rows: they know nothing of the factors."""
        order = self.rng(1).permutation(len(self.codes))
        return replace(self, codes=self.codes[order], sd=None if self.sd is None else self.sd[order])

    def perfect(self) -> CodesAndFactors:
        """A code with one dimension for each factor, which is the factor itself; posteriors are narrow."""
        codes = np.stack([f.values for f in self.factors], 1)
        codes = (codes - codes.mean(0)) / codes.std(0)
        if self.sd is None:
            return replace(self, codes=codes)
        gaps = [np.diff(np.unique(column)).min() for column in codes.T]
        return replace(self, codes=codes, sd=np.tile(PERFECT_SD * np.array(gaps), (len(codes), 1)))

    def rng(self, stream: int) -> np.random.Generator:
        """Random numbers for one purpose."""
        return np.random.default_rng([self.seed, stream])

    @cached_property
    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the rows that learners are fitted to, and of those that they are scored on."""
        order = self.rng(2).permutation(len(self.codes))
        test = max(1, round(TEST_SHARE * len(order)))
        return np.sort(order[test:]), np.sort(order[:test])

    @cached_property
    def standardised(self) -> np.ndarray:
        """The codes with mean 0 and standard deviation 1 in each dimension, (N, Z)."""
        sd = self.codes.std(0)
        return (self.codes - self.codes.mean(0)) / np.where(sd > 0, sd, 1.0)

    @cached_property
    def binned_information(self) -> np.ndarray:
        """Mutual information of each code in bins of equal width and each factor, in nats, (Z, K)."""
        bins = [equal_width_bins(column) for column in self.codes.T]
        return np.array([[information_of_labels(b, f.labels) for f in self.factors] for b in bins])

    @cached_property
    def neighbour_information(self) -> np.ndarray:
        """Mutual information of each code and each factor by nearest neighbours, in nats, (Z, K).

        All codes of a row get the same noise, so that the order of the dimensions does not matter.
        """
        codes = self.standardised + NOISE * self.rng(3).standard_normal((len(self.codes), 1))
        return np.array([[information_by_neighbours(column, f.labels) for f in self.factors] for column in codes.T])

    @cached_property
    def entropies(self) -> np.ndarray:
        """The entropies of the factors in nats, (K,)."""
        return np.array([f.entropy for f in self.factors])
