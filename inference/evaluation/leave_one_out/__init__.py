"""Leave-one-out cross-validation of fits with draws, and the comparison of different models of one data set.

``loo(fit)`` estimates log p(x_n | the other rows) for each row from the draws of one fit, by Pareto-smoothed importance
sampling (Vehtari, Gelman and Gabry 2017), discrete latents summed out and normal ones integrated out. Rows at which the
weights fail are left out by further fits, or all rows by folds. ``compare_models(fit, fit, ...)`` has the differences
with their standard errors, and the weights of stacking. ``leave_future_out(fit)`` predicts each later step of sequences
from those before, and ``loo_pit(fit)`` has the place of each value in its predictive distribution given the other rows.
"""

from inference.evaluation.leave_one_out.estimating import loo
from inference.evaluation.leave_one_out.future import LeaveFutureOut, leave_future_out
from inference.evaluation.leave_one_out.model_comparison import ModelComparison, compare_models
from inference.evaluation.leave_one_out.pit import LooPIT, loo_pit
from inference.evaluation.leave_one_out.record import LeaveOneOut

__all__ = [
    "LeaveFutureOut",
    "LeaveOneOut",
    "LooPIT",
    "ModelComparison",
    "compare_models",
    "leave_future_out",
    "loo",
    "loo_pit",
]
