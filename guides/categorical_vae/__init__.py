"""The encoder of the categorical VAE: q(z_nm | x_n) = OneHotCategorical(softmax(o_nm)), o_n [M K] from a network.

The network mirrors the decoder, and one serves all rows (amortised inference): a new image is encoded by one pass. It
cannot express correlation between the groups of a code given the image, and one network is less accurate than
parameters for each image (the amortisation gap). A missing pixel enters as its mean. It does not use ``start``.

Jang, E., Gu, S. and Poole, B. (2017). Categorical reparameterization with Gumbel-softmax. ICLR.
"""

OPTIONS = {"warm_up": 0.2}  # without one q(z | x) often stays at the prior, above all with convolutions
