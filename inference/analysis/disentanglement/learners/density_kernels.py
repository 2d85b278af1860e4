"""Mutual information of draws of posteriors and factors, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

NEGLIGIBLE = 100.0  # squared distance in sd: the density is 2e-22 of that at the mean


@njit(cache=True, nogil=True)
def sampled_information(z, own, mean, sd, labels):
    """The mean over draws of log q(z | label) - log q(z), for each dimension and factor, (Z, K).

    z (S, Z): draws of the rows ``own`` (S,). mean, sd (N, Z): posteriors. labels (N, K). The densities are relative to
    that of the draw's own row, which is not small.
    """
    (N, Z), K = mean.shape, labels.shape[1]
    counts = np.zeros((K, labels.max() + 1))
    for n in range(N):
        for k in range(K):
            counts[k, labels[n, k]] += 1
    information, within = np.zeros((Z, K)), np.zeros(K)
    for j in range(Z):
        means, scales = mean[:, j].copy(), 1 / sd[:, j]
        for s in range(len(own)):
            total = 0.0
            within[:] = 0.0
            for n in range(N):
                u = (z[s, j] - means[n]) * scales[n]
                if u * u > NEGLIGIBLE:
                    continue
                density = np.exp(-0.5 * u * u) * scales[n]
                total += density
                for k in range(K):
                    if labels[n, k] == labels[own[s], k]:
                        within[k] += density
            for k in range(K):
                information[j, k] += np.log(within[k] / counts[k, labels[own[s], k]]) - np.log(total / N)
    return information / len(own)
