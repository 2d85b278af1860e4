"""The guide of the very deep VAE: posteriors that read the program's own top-down activations, in one run with it.

    q(z_l | x, z_L, ..., z_(l+1)) = Normal(m, s),   m, s = network_l(h_l, a_l)

h_l are the program's activations before group l, and a_l those of a bottom-up network of the image at the same side of
the grid: ``depth`` residual blocks at each side of the layout, from the finest to the coarsest, with mean pooling
between. It runs once for each image. With ``residual=True`` the posterior is relative to the prior Normal(m_p, s_p),
q = Normal(m_p + m, s_p s) (Vahdat and Kautz 2020): where the network gives m = 0 and s = 1 the group has no divergence,
and a change of the prior does not ask for one of the posterior. A missing value enters as its mean. It does not use
``start``.

Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them on images. ICLR.
Vahdat, A. and Kautz, J. (2020). NVAE: a deep hierarchical variational autoencoder. NeurIPS 33.
"""
