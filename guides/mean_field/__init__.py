"""Mean field: every unconstrained value normal, and independent of every other.

Each latent is mapped to unconstrained values u; q(u_i) = Normal(m_i, s_i). It cannot express correlation between
latents: where the posterior has one, each marginal is too narrow, by sqrt(1 - R^2) for a normal posterior. Begins at
the mode near the start, with the local scales of the density.

Kucukelbir, A. et al. (2017). Automatic differentiation variational inference. JMLR 18, 1-45.
"""
