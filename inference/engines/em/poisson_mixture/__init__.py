"""Closed-form EM for Poisson mixtures: the rate of a component is its mean count, and at least ``MIN_RATE``."""

KIND = "exponential_family"
MIN_RATE = 1e-9
MAX_RATE = 1e3  # above it x log(rate) - rate loses digits that count
