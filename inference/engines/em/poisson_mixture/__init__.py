"""Closed-form EM for Poisson mixtures: the rate of a component is its mean count, and at least ``MIN_RATE``."""

MIN_RATE = 1e-9
