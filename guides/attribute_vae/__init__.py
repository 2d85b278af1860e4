"""The encoder of the attribute VAE: q(z_n | x_n) = Normal(m(x_n), diag(s(x_n)^2)), where a network makes m and log s.

The network mirrors the decoder and reads x about its mean, 0 where a value is missing, and no label, so that a row
without labels is encoded as one with labels is. With ``network="pooled"`` another network makes the coordinates of the
attributes, from sums and maxima of convolutions over all positions, of pixels above the mean of the darkest one.

The factor "supervision", - alpha_j log p(attribute_nj | z_nj) of each label at the draw of z, is a part of log q: it
enters what ``inference.objectives`` maximises with the opposite sign, and it is left out of the bound. The guide names
the coordinates of the attributes, which a penalty such as "factor" keeps apart from the others. It cannot express
correlation between the dimensions of a code. It does not use ``start``.

Creager, E. et al. (2019). Flexibly fair representation learning by disentanglement. ICML, equation 7.
"""
