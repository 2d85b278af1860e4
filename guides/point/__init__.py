"""Point: each latent has one value, the maximum of the log joint density (MAP).

The density is that of the latents as they are on the card, without the Jacobian of any mapping: the maximum that EM
finds with ``objective="map"``. A point has no spread: the fit has parameters and no draws.
"""
