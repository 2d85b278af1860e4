"""Closed-form EM for Poisson mixtures: the rate of a component is its mean count, and at least ``MIN_RATE``."""

KIND = "exponential_family"
MIN_RATE = 1e-9
