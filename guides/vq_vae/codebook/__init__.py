"""Codebooks: the nearest codeword, the start by k-means, and moving averages with restarts.

Each ``in_<backend>.py`` provides, for encoder outputs ``points`` (P, Z) and a codebook (K, Z),

    nearest(points, codebook)     the index of the nearest codeword of each vector, with any leading dimensions
    moving_average(points, index, codebook, count, decay, restart_below[, key])
                                  ``(codebook, count)`` of the next step; a count of 0 everywhere is that of no step

With n_k points of a batch nearest to codeword c_k, and s_k their sum,

    count_k <- decay count_k + (1 - decay) n_k,   c_k <- c_k + (1 - decay) (s_k - n_k c_k) / count_k,

which is the ratio of the moving averages of s_k and of n_k (van den Oord et al. 2017, appendix A.1).

The start is k-means, from points chosen one after another with probability proportional to the squared distance from
those chosen before (Arthur and Vassilvitskii 2007). Restarts choose points in the same way, all at once.

References
----------
Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. Symposium on Discrete Algorithms.
"""

LLOYD_STEPS = 10
