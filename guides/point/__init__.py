"""Point: each latent has one value, the maximum of the log joint density (MAP).

The density is that of the latents as they stand on the card, without the Jacobian of any mapping: the maximum that
EM climbs to with ``objective="map"``. A point has no spread: the fit has parameters and no draws.
"""
