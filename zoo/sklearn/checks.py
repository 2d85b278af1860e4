"""The checks of scikit-learn that an estimator cannot pass, with the reason."""

from __future__ import annotations

from zoo.sklearn.estimator import LatentVariableEstimator
from zoo.sklearn.kinds import MixtureEstimator, TopicEstimator

WEIGHT_CHECKS = ("check_sample_weight_equivalence_on_dense_data",)
PLACE_CHECKS = ("check_methods_sample_order_invariance", "check_methods_subset_invariance")
FITTING_CHECKS = (  # those that fit rows of their own: numbers of several columns
    "check_all_zero_sample_weights_error",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_readonly_memmap_input",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_n_iter",
    "check_transformer_preserve_dtypes",
)


def expected_failed_checks(estimator: LatentVariableEstimator) -> dict[str, str]:
    """The checks of scikit-learn that cannot hold, as ``check_estimator`` and ``parametrize_with_checks`` take them.

    Parameters
    ----------
    estimator : LatentVariableEstimator
        Of factors with Z=1, as some checks have two columns; of a Gaussian mixture with a covariance of few numbers and
        ``objective="map"``, as some have fewer rows than columns.

    Returns
    -------
    dict of str to str
        The reason for each check.

    Examples
    --------
    >>> import zoo.sklearn
    >>> expected_failed_checks(zoo.sklearn.ProbabilisticPCA())
    {}
    """
    reasons: dict[str, str] = {}
    if isinstance(estimator, MixtureEstimator):
        start = "the random start depends on the number of rows: weights equal copies where start= is given"
        reasons |= dict.fromkeys(WEIGHT_CHECKS, start)
    if isinstance(estimator, TopicEstimator):
        place = "Monte Carlo estimates: the random numbers of a document depend on its place among the documents"
        reasons |= dict.fromkeys(PLACE_CHECKS, place)
    site = estimator._site()
    if len(site.dims) == 1:
        reasons |= dict.fromkeys(FITTING_CHECKS, "the model has one column, and the rows of the check have several")
    elif site.kind == "binary":
        reasons |= dict.fromkeys(FITTING_CHECKS, "the model has zeros and ones, and the check other numbers")
    return reasons
