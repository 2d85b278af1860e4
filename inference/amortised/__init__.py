"""A fit of networks opened again: its program and its guide at what was learned, which answer rows from numpy to numpy.

``AmortisedPosterior(fit)`` is what held-out scores and latents ask. Rows go in blocks of one size, so that memory grows
neither with the rows nor with the draws, and NumPyro compiles a question once. Discrete latents take each of their
values, E of them together (1 where there are none), so that a sum over classes is exact.

Each ``in_<backend>.py`` promises ``AmortisedKernels(program, guide, keywords, state)``, whose methods take a block of B
rows and give numpy, in the backend's ``runtime(dtype, device)``. ``q`` is None for the guide, or mean and sd of each
continuous latent for each value of the discrete ones, ``{site: ((E, B, ...), (E, B, ...))}``:

    encoded(table)                     ``{site: Code}``, and of a discrete latent its probabilities (B, C)
    decoded(latents, seed)             the mean of each observed site, or, where the seed is not None, a draw
    weighed(table, K, seed, q)         (K, B): log sum_y p(x, y, z_k) / q(z_k | x, y) of K draws, in nats
    parts(table, K, seed, q)           Parts
    refined(table, steps, K, seed)     q, as ``Opened.refined`` says
"""

from inference.amortised.answers import Code, Parts
from inference.amortised.posterior import AmortisedPosterior, shared_by_rows

__all__ = ["AmortisedPosterior", "Code", "Parts", "shared_by_rows"]
