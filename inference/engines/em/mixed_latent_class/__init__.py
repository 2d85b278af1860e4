"""Closed-form EM for latent classes of mixed columns: shares of levels, moments of numbers, means of counts.

The features of a row are 1; for numbers which are observed, and y and y^2 of the standardised values; for counts which
are observed, and the counts; and for categories an indicator of each level. A missing value adds nothing to any sum.
Where numbers are narrow beside their distances, or counts large, sums are about the class means and densities are those
of the program, as in ``gaussian_mixture`` and ``poisson_mixture``.

With covariates w~ = (1, w), whose coefficients b (P + 1, K) are log pi and log odds, the M-step of b is a multinomial
logistic regression, of which each iteration has one step: with the responsibilities r and the probabilities p of the
classes given w, both counted by the weights of the rows,

    b  <-  b + 2 (sum_n w~_n w~_n')^-1  sum_n w~_n (r_n - p_n)'

This is the maximum of a quadratic lower bound, as the Hessian is at least -1/2 (I - 11'/K) x sum_n w~_n w~_n' (Bohning
1992, "Multinomial logistic regression algorithm"), so that the likelihood cannot fall.

Probabilities are kept ``MARGIN`` from 0, so that a level that does not occur in a class has a small probability.
"""

KIND = "exponential_family"
MARGIN = 1e-9
MIN_WEIGHT = 1e-9  # of the observed values of a column in a class, below which the column says nothing there
EMPTY = 1e-300  # a class with no rows keeps finite parameters
RIDGE = 1e-12  # of the largest eigenvalue, added to that of covariates that determine each other
