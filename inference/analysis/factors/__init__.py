"""Analysis of linear-Gaussian fits: rotations, loadings, scores, imputation and predictive distributions.

A fit is linear-Gaussian where its card has ``linear``. All functions use NumPy and pandas alone.

``rotate`` rotates a matrix of loadings to simple structure. ``loadings``, ``scores``, ``explained_variance`` and
``factor_correlations`` are tables of a fit, from its point estimate or its aligned draws; ``heatmap`` plots loadings.
``covariances`` and ``angles`` do not change with the rotation: use them to check chains and to compare fits.
``impute`` and ``fill_missing`` give the missing values of rows, ``reconstruct`` the part of rows that the factors
explain. ``predictive_distribution`` and ``conditional_distribution`` are distributions of a new row, and of some of its
columns given the others.
"""

from inference.analysis.factors.distributions import conditional_distribution, predictive_distribution
from inference.analysis.factors.figures import heatmap
from inference.analysis.factors.imputation import fill_missing, impute, reconstruct
from inference.analysis.factors.invariants import angles, covariances
from inference.analysis.factors.rotations import ROTATION_METHODS, Rotation, rotate
from inference.analysis.factors.tables import explained_variance, factor_correlations, loadings, scores

__all__ = [
    "ROTATION_METHODS",
    "Rotation",
    "angles",
    "conditional_distribution",
    "covariances",
    "explained_variance",
    "factor_correlations",
    "fill_missing",
    "heatmap",
    "impute",
    "loadings",
    "predictive_distribution",
    "reconstruct",
    "rotate",
    "scores",
]
