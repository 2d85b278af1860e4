"""Full rank: all unconstrained values jointly normal.

Each latent is mapped to unconstrained values u; q(u) = Normal(m, L L'). It expresses every linear correlation, but
neither skewness nor a second mode. Begins as Laplace's approximation at the mode near the start.

Kucukelbir, A. et al. (2017). Automatic differentiation variational inference. JMLR 18, 1-45.
"""
