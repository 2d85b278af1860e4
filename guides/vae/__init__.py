"""The encoder of the VAE: q(z_n | x_n) = Normal(m(x_n), diag(s(x_n)^2)), where a network makes m and log s.

The network mirrors the decoder, and one serves all rows (amortised inference): a new image is encoded by one pass.
It cannot express correlation between the dimensions of a code or more than one mode, and one network is less accurate
than parameters for each image (the amortisation gap). A missing pixel enters as its mean. It does not use ``start``.

Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. International Conference on Learning
Representations.
"""
