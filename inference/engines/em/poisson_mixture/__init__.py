"""Closed-form EM for Poisson mixtures: each rate is the mean count of its regime, kept ``EDGE`` above zero."""

EDGE = 1e-9
