"""The Wishart distribution of precision matrices, with a bijection to unconstrained vectors.

NumPyro's own has one. ``in_pyro`` provides ``Wishart``, torch's with a bijection and a sampler that does not mistake
valid draws for singular ones.
"""
