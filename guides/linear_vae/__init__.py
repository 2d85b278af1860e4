"""The linear encoder: q(z_n | x_n) = Normal(A (x_n - loc) / spread + b, diag(s^2)), the same s for every row.

The posterior of a linear-Gaussian model is of this form where nothing is missing and the columns of W are orthogonal;
W may be turned so that they are, and there the ELBO is the log-likelihood. What it cannot express: correlation between
the numbers of a code, and that a row with holes (seen as 0 here, the mean of its column) is known less.

Lucas, J. et al. (2019). Don't blame the ELBO! A linear VAE perspective on posterior collapse. NeurIPS 32.
"""
