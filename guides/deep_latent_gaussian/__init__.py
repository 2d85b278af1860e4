"""Two encoders of the deep latent Gaussian model, each of normals with independent dimensions.

``encoder="ladder"``: a network goes up from the image without draws, layer by layer, and gives each layer of codes a
message Normal(m_l, t_l). Going down from the top, the posterior of a layer is its prior times the message: the
precision is the sum of both, and the mean is weighed by them (Sonderby et al. 2016). A layer whose message has a low
precision stays at its prior. The networks mirror those of the program. It runs with the program (``inference.shared``).

``encoder="bottom_up"``: q(z_1 | x) q(z_2 | z_1) ... q(z_L | z_(L-1)), each by a network of the layer below (Rezende,
Mohamed and Wierstra 2014). The upper layers often collapse to their prior: each depends on the image through draws
alone.

Neither expresses correlation within a layer. A missing pixel enters as the mean.
"""

# the upper layers collapse before the lower ones say anything, unless their part of the KL is small at first
OPTIONS = {"warm_up": 0.3, "kl_balance": True}
