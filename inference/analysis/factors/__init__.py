"""Factors: what is asked of a linear-Gaussian fit (``Card.linear``) beside its parameters. numpy and pandas alone.

``rotate`` turns a matrix of loadings to simple structure. ``loadings``, ``scores``, ``explained_variance`` and
``factor_correlations`` are tables of a fit, from its point or from its aligned draws; ``heatmap`` is their picture.
``covariances`` and ``angles`` are what no rotation changes: by them chains are checked and fits compared. Of rows,
``impute`` and ``imputed`` tell the values nobody saw, ``reconstruct`` what the factors make of the others; ``law`` and
``conditional`` are the distribution of a new row, or of some of its columns given the rest.
"""

from inference.analysis.factors.figures import heatmap
from inference.analysis.factors.invariants import angles, covariances
from inference.analysis.factors.rotations import METHODS, Rotation, rotate
from inference.analysis.factors.rows import conditional, impute, imputed, law, reconstruct
from inference.analysis.factors.tables import explained_variance, factor_correlations, loadings, scores

__all__ = [
    "METHODS",
    "Rotation",
    "angles",
    "conditional",
    "covariances",
    "explained_variance",
    "factor_correlations",
    "heatmap",
    "impute",
    "imputed",
    "law",
    "loadings",
    "reconstruct",
    "rotate",
    "scores",
]
