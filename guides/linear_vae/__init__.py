"""The linear encoder: q(z_n | x_n) = Normal(A (x_n - loc) / spread + b, diag(s^2)), the same s for every row.

The posterior of a linear-Gaussian model is of this form where nothing is missing and the columns of W are orthogonal;
W may be rotated so that they are, and there the ELBO is the log-likelihood. It cannot express correlation between the
dimensions of a code, or that a row with missing values (replaced by the column's mean) has a wider posterior.

Lucas, J. et al. (2019). Don't blame the ELBO! A linear VAE perspective on posterior collapse. NeurIPS 32.
"""
