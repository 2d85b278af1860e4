"""The encoder of the VAE: q(z_n | x_n) = Normal(m(x_n), diag(s(x_n)^2)), where a network makes m and log s.

The network mirrors the decoder, and one serves all rows (amortised inference): a new image is encoded by one pass.
What it cannot express: correlation between the numbers of a code, more than one mode, and what its weights cannot
make of an image (the amortisation gap). It sees a missing pixel as 0. Where it begins is not for ``start`` to say.

Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. International Conference on Learning
Representations.
"""
