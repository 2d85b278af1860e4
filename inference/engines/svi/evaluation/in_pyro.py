from inference.engines.svi import evaluation
from inference.objectives import EVALUATION
from inference.objectives.estimators import in_pyro as functions
from inference.objectives.in_pyro import BoundDraws, first_run


def evaluate(program, guide, inputs):
    first, sample_shape, _ = first_run(program, guide, inputs, EVALUATION)
    return EvaluatedDraws(program, guide, inputs, EVALUATION, first, sample_shape).evaluate(first)


def codes(program, guide, inputs):
    first, sample_shape, _ = first_run(program, guide, inputs, EVALUATION)
    return EvaluatedDraws(program, guide, inputs, EVALUATION, first, sample_shape).codes(first)


class EvaluatedDraws(evaluation.EvaluatedDraws, BoundDraws):
    functions = functions
