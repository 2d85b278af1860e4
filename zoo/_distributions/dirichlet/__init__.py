"""Dirichlet distributions with reparameterised draws, for concentrations that may be far below one.

Each ``in_<backend>.py`` provides ``Dirichlet(concentration)``, whose draws are nowhere zero, so that they have a
logarithm: a value that is too small for a float is the smallest positive one.

torch differentiates its own draws exactly, by the implicit function. JAX does so too, at half a second for 85,000
numbers; ``in_numpyro`` takes a twelfth of that, by the draws of Marsaglia and Tsang (2000) from gamma distributions of
shape a + 4, brought down to shape a by four uniform numbers. The draws are exact; the gradient omits the part
by which a change of shape would accept another proposal (Naesseth et al. 2017), which at shapes above 4 is about
a part in a thousand (``tests/test_topic_models.py``).
"""

BOOST = 4  # what is added to a shape
PROPOSALS = 4  # of which each is refused once in several hundred times
