"""Amortised posteriors: the encoder and the decoder of a fit by SVI, for encoding, decoding and evaluation.

``AmortisedPosterior(fit)`` runs the program and the guide at the learned parameters. The terms of the ELBO come from
``inference.objectives.densities``, as in training. ``kernels`` describes what each ``in_<backend>.py`` provides.
"""

from inference.amortised.posterior import AmortisedPosterior, latents_outside_rows, local_latents
from inference.amortised.records import Code, ElboTerms, Normals

__all__ = ["AmortisedPosterior", "Code", "ElboTerms", "Normals", "latents_outside_rows", "local_latents"]
