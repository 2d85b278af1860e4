"""Normal distributions of a row in which NaN marks a missing value, which is marginalised out.

Each ``in_<backend>.py`` provides, with values (..., D) and any batch of rows before them,

    DiagonalNormal(loc, cov_diag)              independent noise
    FullNormal(loc, scale_tril)                covariance L L', where scale_tril is L (..., D, D)
    LowRankNormal(loc, cov_factor, cov_diag)   covariance W W' + diag(cov_diag), where cov_factor is W (..., D, Z)

The density without the missing entries is the exact marginal density, since a part of a normal vector is normal.
``LowRankNormal`` never forms a D by D matrix: with M = I + W' diag(cov_diag)^-1 W, Z by Z, the determinant is
|diag(cov_diag)| |M|, and with m = M^-1 W' diag(cov_diag)^-1 (x - loc), the mean of the latents given the row, the
quadratic form is that of the noise at x - loc - W m, plus |m|^2 (the matrix inversion and determinant lemmas, Woodbury
1950; Bishop 2006, appendix C). A difference of two quadratic forms would leave few digits in 32 bits where the noise is
small. Where entries are missing there is one M for each row, and of ``FullNormal`` one covariance. Compiled code cannot
find the rows that share one, so ``in_numpyro`` has ``with_missing_pattern(program, table)``, by which an engine
declares them.
"""
