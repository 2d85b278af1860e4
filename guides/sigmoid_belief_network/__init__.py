"""The encoder of the sigmoid belief network: q(z1_n | x_n), then q(z2_n | z1_n), from the pixels upwards.

Each unit is Bernoulli given the layer below it. The networks ``encoder.z1``, of the pixels less their means, and
``encoder.z2``, of 2 z1_n - 1, have the depth, width and activation of the decoder's. One encoder serves all rows
(amortised inference). It cannot express correlation between the units of a layer given the layer below, which the
posterior of units that explain the same pixels has. A missing pixel enters as its mean. It does not use ``start``.

Mnih, A. and Gregor, K. (2014). Neural variational inference and learning in belief networks. ICML.
"""
