"""The KL divergence of codes in three terms, by the aggregate posterior of many rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from inference.engines.svi.evaluation import RowCodes
from inference.objectives.aggregate import code_densities, log_normal, stratified_weights
from zoo.types import BackendArray

DRAWS = 2000  # at most, at which the densities are computed
NUMBERS = 1 << 21  # in one array


class KLTerms(NamedTuple):
    """The three terms of the KL divergence in nats per row, each with its Monte Carlo standard error.

    Attributes
    ----------
    estimates : dict of str to float
        "mutual_information", "total_correlation" and "dimension_wise_kl", which add up to the mean KL divergence.
    errors : dict of str to float
        Their standard errors.
    """

    estimates: dict[str, float]
    errors: dict[str, float]


class NumPyFunctions:
    """What ``inference.objectives.aggregate`` needs, in NumPy."""

    @staticmethod
    def log(array: np.ndarray) -> np.ndarray:
        """Its natural logarithm."""
        return np.log(array)

    @staticmethod
    def array(values: np.ndarray) -> np.ndarray:
        """The numbers themselves."""
        return values

    @staticmethod
    def log_mean_exp(array: np.ndarray) -> np.ndarray:
        """Over the first dimension."""
        largest = array.max(0)
        return largest + np.log(np.exp(array - largest).mean(0))


FUNCTIONS = NumPyFunctions()


def kl_terms(codes: RowCodes, num_rows: int, max_draws: int = DRAWS, seed: int = 0) -> KLTerms:
    """The index-code mutual information, the total correlation and the dimension-wise KL divergence.

    The aggregate posterior is the mixture of the codes of all rows that are given. Where these are not all rows, the
    weights are those of ``stratified_weights``.

    Parameters
    ----------
    codes : RowCodes
        Of M rows, from 2 up, in NumPy.
    num_rows : int
        N, the number of all rows.
    max_draws : int, default 2000
        Draws, at most, at which the densities are computed: of rows at equal distances, or several of each row.
    seed : int, default 0
        Of the draws.

    Returns
    -------
    KLTerms

    References
    ----------
    Hoffman and Johnson (2016), ELBO surgery. Chen et al. (2018), Isolating sources of disentanglement in VAEs.
    """
    M, Z = codes.mean.shape
    own = np.tile(np.arange(M)[:: -(-M // max_draws)], max(1, max_draws // M))
    rng, size, densities = np.random.default_rng(seed), max(1, NUMBERS // (M * Z)), []
    for rows in np.split(own, range(size, len(own), size)):
        mean, sd = codes.mean[rows], codes.sd[rows]
        draws = mean + sd * rng.standard_normal(mean.shape)
        given_row = log_normal(draws, mean, sd, FUNCTIONS).sum(-1)
        weights = stratified_weights(rows, M, num_rows)
        densities.append(code_densities(draws, codes.mean, codes.sd, weights, given_row, FUNCTIONS))
    information = np.concatenate([d.mutual_information for d in densities])
    correlation = np.concatenate([d.total_correlation for d in densities])
    # log q(z | x) - log p(z) has the mean of the KL divergence, which is known
    terms = {"mutual_information": information, "total_correlation": correlation}
    terms["dimension_wise_kl"] = codes.kl.mean() - information - correlation
    errors = {n: float(v.std(ddof=1) / np.sqrt(len(v))) for n, v in terms.items()}
    return KLTerms({n: float(v.mean()) for n, v in terms.items()}, errors)


def join_codes(parts: Iterable[RowCodes | None]) -> RowCodes | None:
    """The codes of parts of the rows as one, in NumPy and 64 bits; None where a part has none."""
    known = [part for part in parts if part is not None]
    if not known:
        return None

    def join(arrays: tuple[BackendArray, ...]) -> np.ndarray | None:
        return None if arrays[0] is None else np.concatenate([np.asarray(a, float) for a in arrays])

    return RowCodes(*map(join, zip(*known, strict=True)))
