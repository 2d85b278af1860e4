"""Exact inference in linear-Gaussian chains: a Kalman filter and a smoother, in NumPy, for both backends.

``smooth(chain, x)`` has the log density of each sequence and the moments of the latents given all of it: means,
covariances, and covariances of neighbouring steps, which are what EM needs (Shumway and Stoffer 1982). The filter
(Kalman 1960) carries a root of the covariance, so that rounding cannot make it indefinite; its update is in the
dimensions of the latents, since M = I + L' W' diag(Psi)^-1 W L has Z rows whatever the number of columns, and a missing
value (NaN) is a term that its sums lack. The smoother is that of Rauch, Tung and Striebel (1965), with the covariance
as a sum of squares. ``draw(chain, x, rng)`` draws the latents given the sequences, backward in time.

The loops are compiled by numba, in 64 bits; steps after the last value of all sequences are predictions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo.linear_chain import LinearChain


class SmoothedChains(NamedTuple):
    """What is known of the latents of N sequences given their values.

    Attributes
    ----------
    log_p : array, (N,)
        Log density of each sequence, in nats.
    mean : array, (N, T, Z)
        Means of the latents.
    cov : array, (N, T, Z, Z)
        Covariances of the latents of a step.
    lag : array, (N, T - 1, Z, Z)
        Covariances of the latents of a step, as rows, with those of the step before.
    """

    log_p: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    lag: np.ndarray


class FilteredChains(NamedTuple):
    """What is known of the latents of N sequences given the values up to each step.

    Attributes
    ----------
    log_p : array, (N, T)
        Log density of the values of a step given those of the steps before, in nats; 0 where all are missing.
    mean : array, (N, T, Z)
        Means of the latents.
    cov : array, (N, T, Z, Z)
        Covariances of the latents of a step.
    """

    log_p: np.ndarray
    mean: np.ndarray
    cov: np.ndarray


def filter_chains(chain: LinearChain, x: np.ndarray) -> FilteredChains:
    """The moments of the latents given the values up to each step.

    Parameters
    ----------
    chain : LinearChain
        The parameters, without leading dimensions.
    x : array, (N, T, D)
        The sequences, NaN where missing.

    Returns
    -------
    FilteredChains
    """
    from inference.exact.kalman import kernels  # compiles

    log_p, mean, root, _, _ = kernels.filter_sequences(*_contiguous(chain), np.ascontiguousarray(x, float))
    return FilteredChains(log_p, mean, root @ np.swapaxes(root, -1, -2))


def smooth(chain: LinearChain, x: np.ndarray) -> SmoothedChains:
    """The moments of the latents given all values of a sequence.

    Parameters
    ----------
    chain : LinearChain
        The parameters, without leading dimensions.
    x : array, (N, T, D)
        The sequences, NaN where missing.

    Returns
    -------
    SmoothedChains

    Examples
    --------
    A random walk with steps of variance 1, seen once, with noise of variance 1:

    >>> one = np.ones((1, 1))
    >>> walk = LinearChain(np.zeros(1), one, one, one, one, np.zeros(1), np.ones(1))
    >>> result = smooth(walk, np.array([[[2.0], [np.nan]]]))
    >>> result.mean[0, :, 0].round(6), result.cov[0, :, 0, 0].round(6)
    (array([1., 1.]), array([0.5, 1.5]))
    """
    from inference.exact.kalman import kernels  # compiles

    chain = _contiguous(chain)
    filtered = kernels.filter_sequences(*chain, np.ascontiguousarray(x, float))
    return SmoothedChains(filtered[0].sum(1), *kernels.smooth_sequences(chain.A, chain.Q, *filtered[1:]))


def draw(chain: LinearChain, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw of the latents given all values of each sequence.

    Parameters
    ----------
    chain : LinearChain
        The parameters, without leading dimensions.
    x : array, (N, T, D)
        The sequences, NaN where missing.
    rng : numpy.random.Generator
        The source of random numbers.

    Returns
    -------
    array, (N, T, Z)
    """
    from inference.exact.kalman import kernels  # compiles

    chain = _contiguous(chain)
    filtered = kernels.filter_sequences(*chain, np.ascontiguousarray(x, float))
    noise = rng.standard_normal((*filtered[1].shape, 2))
    return kernels.draw_sequences(chain.A, chain.Q, *filtered[1:], noise)


def _contiguous(chain: LinearChain) -> LinearChain:
    """The parameters as the kernels take them."""
    return LinearChain(*(np.ascontiguousarray(v, float) for v in chain))
