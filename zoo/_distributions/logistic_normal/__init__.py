"""The logistic normal distribution: numbers above zero that sum to one, whose log-odds are normal.

Each ``in_<backend>.py`` provides ``LogisticNormal(loc, scale)``: softmax of (y, 0), with y ~ Normal(loc, scale)
(..., V - 1), independent; values (..., V). Its density is that of y less sum_v log(value_v), the Jacobian of the
additive log-ratio (Aitchison and Shen 1980). The mean has no formula, and is estimated by draws.
"""
