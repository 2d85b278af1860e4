"""Any input ends in a right answer or in a ZooError of one line, in every model.

Four questions, each asked of many inputs of every model: whether any table ends in finite numbers or in an error; the
same of new rows of a fit; whether the data type, memory order and library of the numbers make no difference; and
whether the order of rows and columns, copies in the place of weights, and units change a fit as they should. A new
model is asked them too: the kinds on its card tell what its data may be.

In Pyro, which does not compile for each new shape; the conversion of data is the same in both backends. The environment
variable FUZZ_INPUTS is the number of inputs of each model in the slow suite.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import inference
import zoo
from tests import fuzz_containers, fuzz_invariances, fuzz_tables
from tests.fuzz_results import check_finite, fit, outcome, row_results
from tests.fuzz_tables import Draw, Subject
from zoo.data.corpus import Corpus

QUICK: dict[str, Any] = {"svi": {"num_steps": 2, "warm_up": 0.0, "kl_balance": False}, "em": {"max_iter": 3}}
MODERATE = (0.0, 0.3, 1.0, 2.0, 3.0)  # weights: few rows of enormous ones lie in a plane, and rounding decides there
SLOW_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


def any_table(draw: Draw, subject: Subject) -> None:
    """A fit has finite numbers, and leaves the arrays of the user as they were."""
    model, options = subject.load(**fuzz_tables.any_settings(draw, subject)), fuzz_tables.any_options(draw, subject)
    table = fuzz_tables.any_table(draw, subject)
    before = {n: x.copy() for n, x in table.items()}
    result = fit(model, table, subject.engine, **options)
    for site, x in table.items():
        np.testing.assert_array_equal(x, before[site])
    if not isinstance(result, zoo.ZooError):
        check_finite({**result.params, **result.state, "trace": result.trace, **row_results(result)})


def new_rows(draw: Draw, subject: Subject) -> None:
    """Results of new rows are finite."""
    fitted = fit_once(subject.card.name, fuzz_tables.subjects(subject.card.name).index(subject))
    results = outcome(row_results, fitted, fuzz_tables.any_table(draw, subject))
    if not isinstance(results, zoo.ZooError):
        check_finite(results)


@cache
def fit_once(name: str, variant: int) -> inference.Fit:
    """A fit of valid data."""
    subject = fuzz_tables.subjects(name)[variant]
    options = {**QUICK[subject.engine], **subject.guide}
    return inference.fit(subject.load(), subject.table, engine=subject.engine, **options)


def any_container(draw: Draw, subject: Subject) -> None:
    """Data in any container is read as the numbers that it stands for, or refused where it holds none."""
    model, table = subject.load(), fuzz_tables.valid_table(draw, subject)
    forms = {n: fuzz_containers.container(draw, subject.kinds[n], x) for n, x in table.items()}
    given_data: Any = {n: values for n, (values, _) in forms.items()}
    if len(given_data) == 1 and draw(st.booleans()):
        (given_data,) = given_data.values()
    bound = outcome(model.bind, given_data)
    if any(numbers is None for _, numbers in forms.values()):
        assert isinstance(bound, zoo.ZooError), "there are no numbers"
        return
    expected = {n: numbers for n, (_, numbers) in forms.items()}
    plain = outcome(model.bind, expected)
    assert isinstance(bound, zoo.ZooError) == isinstance(plain, zoo.ZooError), f"{bound}; {plain}"
    if isinstance(bound, zoo.ZooError) or isinstance(plain, zoo.ZooError):
        return
    for site, numbers in expected.items():
        read = bound[0][site]
        np.testing.assert_array_equal(read.dense() if isinstance(read, Corpus) else read, numbers)
    for keyword, value in plain[1].items():
        np.testing.assert_array_equal(bound[1][keyword], value)
    if draw(st.integers(0, 7)) == 0:
        options = fuzz_tables.any_options(draw, subject)
        one, other = (fit(model, data, subject.engine, **options) for data in (given_data, expected))
        assert isinstance(one, zoo.ZooError) == isinstance(other, zoo.ZooError), f"{one}; {other}"
        if not isinstance(one, zoo.ZooError) and not isinstance(other, zoo.ZooError):
            np.testing.assert_array_equal(one.trace, other.trace)


def invariances(draw: Draw, subject: Subject) -> None:
    """A fit changes as its data does."""
    options = {**fuzz_tables.any_options(draw, subject, MODERATE), "dtype": "float64"}
    options.pop("batch_size", None)  # the batches of rows in another order are others
    if subject.engine == "em":  # of several starts the best is decided by rounding
        options["restarts"] = 1
        options["max_iter"] = min(options["max_iter"], 3)  # along a flat maximum rounding grows from step to step
    model, table = subject.load(), fuzz_tables.valid_table(draw, subject)
    base = fit(model, table, subject.engine, **options)
    if isinstance(base, zoo.ZooError):
        return
    changes: list[Callable[..., None]] = [fuzz_invariances.rows]
    if "sample_weight" in subject.options:
        changes += [fuzz_invariances.order, fuzz_invariances.copies]
        changes += [fuzz_invariances.columns] if all(x.ndim == 2 for x in table.values()) else []
    if "real" in subject.kinds.values():
        changes += [fuzz_invariances.units]
    draw(st.sampled_from(changes))(draw, subject, model, table, options, base)


INPUTS = int(os.environ.get("FUZZ_INPUTS", "12"))
QUESTIONS = {any_table: 0.25, new_rows: 0.3, any_container: 0.35, invariances: 0.1}  # the part of the inputs of each
FEW = 2


def ask(question: Callable[[Draw, Subject], None], name: str, count: int) -> None:
    """Ask a question of so many inputs."""

    @settings(max_examples=count, suppress_health_check=SLOW_CHECKS, report_multiple_bugs=False)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        question(data.draw, data.draw(st.sampled_from(fuzz_tables.subjects(name))))

    run()


FEW_INPUTS = [  # of a model whose guide begins at a mode, which takes seconds to find, the fast suite asks one question
    pytest.param(name, question, marks=[pytest.mark.slow] if is_costly and question is not any_table else [])
    for name in zoo.names()
    for is_costly in [bool(fuzz_tables.subjects(name)[0].guide)]
    for question in QUESTIONS
]


@pytest.mark.parametrize(("name", "question"), FEW_INPUTS)
def test_few_inputs(name, question):
    ask(question, name, 1 if fuzz_tables.subjects(name)[0].guide else FEW)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", zoo.names())
def test_many_inputs(name, question):
    ask(question, name, round(INPUTS * QUESTIONS[question]))
