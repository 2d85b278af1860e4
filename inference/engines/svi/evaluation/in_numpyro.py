from inference.engines.svi import evaluation
from inference.objectives import EVALUATION
from inference.objectives.estimators import in_numpyro as functions
from inference.objectives.in_numpyro import BoundDraws, first_run


def evaluate(program, guide, params, key, inputs):
    first = first_run(guide, params, key, inputs, EVALUATION)
    return EvaluatedDraws(program, guide, params, key, inputs, EVALUATION, first).evaluate(first)


def codes(program, guide, params, key, inputs):
    first = first_run(guide, params, key, inputs, EVALUATION)
    return EvaluatedDraws(program, guide, params, key, inputs, EVALUATION, first).codes(first)


class EvaluatedDraws(evaluation.EvaluatedDraws, BoundDraws):
    functions = functions
