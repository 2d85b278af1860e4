"""Normal distributions of a row, in which NaN is a value that nobody saw: its density is that of what was seen.

Each ``in_<backend>.py`` promises, with values (..., D) and any batch of rows before them,

    DiagonalNormal(loc, cov_diag)              independent noise
    LowRankNormal(loc, cov_factor, cov_diag)   covariance W W' + diag(cov_diag), where cov_factor is W (..., D, Z)

Leaving the unseen entries out of both is the exact marginal density, since a part of a normal vector is normal. The
second never makes a D by D matrix: with M = I + W' diag(cov_diag)^-1 W, Z by Z, the determinant is
|diag(cov_diag)| |M|, and with m = M^-1 W' diag(cov_diag)^-1 (x - loc), the mean of the latents given the row, the
quadratic form is that of the noise at x - loc - W m, plus |m|^2 (the matrix inversion and determinant lemmas, Woodbury
1950; Bishop 2006, appendix C). It is not taken as a difference, which in 32 bits would leave few digits where the noise
is small. Where entries are missing there is one M for each row. Compiled code cannot look which rows share one:
``in_numpyro`` has ``with_missing_pattern(program, table)``, by which an engine tells.
"""
