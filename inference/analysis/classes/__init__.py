"""Analysis of latent classes: what each class answers, missing values given the rest of a row, effects of covariates.

For models whose card has ``items``, the distribution of each column in each class: ``latent_class`` and
``mixed_latent_class``. NumPy and pandas alone.

``profiles`` is the table of the classes; ``impute`` and ``fill_missing`` give missing values; ``coefficients`` are the
log-odds of the classes by covariates in their units.
"""

from inference.analysis.classes.imputation import fill_missing, impute
from inference.analysis.classes.tables import coefficients, profiles

__all__ = ["coefficients", "fill_missing", "impute", "profiles"]
