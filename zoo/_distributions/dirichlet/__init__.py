"""Dirichlet distributions to draw from and differentiate through, many of whose concentrations may be far below one.

Each ``in_<backend>.py`` promises ``Dirichlet(concentration)``, whose draws are nowhere zero, so that they have a
logarithm: what is too small for a number is the least there is.

torch differentiates its own draws exactly, by the implicit function. JAX does so too, at half a second for 85,000
numbers; ``in_numpyro`` takes a twelfth of that, by the draws of Marsaglia and Tsang (2000) from gamma distributions of
shape a + 4, brought down to shape a by four uniform numbers. The draws are exact; of the gradient the part is left out
by which a change of shape would have another proposal accepted (Naesseth et al. 2017), which at shapes above 4 is about
a part in a thousand (``tests/test_topic_models.py``).
"""

BOOST = 4  # what is added to a shape
PROPOSALS = 4  # of which each is refused once in several hundred times
