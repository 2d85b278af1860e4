"""EM in NumPyro under inputs of one shape each, against the fit in Pyro.

``tests/test_fuzz.py`` asks its questions in Pyro, which does not compile for each new shape.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from tests import fuzz_tables
from tests.fuzz_results import check_finite, fit
from tests.fuzz_tables import WEIGHTS, Draw, Subject
from tests.test_fuzz import MODERATE, SLOW_CHECKS

# the closed forms of other models are in NumPy for both backends
COMPILED = ("gaussian_mixture", "latent_class", "mixed_latent_class", "poisson_mixture")
INPUTS = int(os.environ.get("FUZZ_INPUTS", "50"))
SUBJECTS = [(n, i) for n in zoo.names() for i, s in enumerate(fuzz_tables.subjects(n)) if s.engine == "em"]


def compare_backends(draw: Draw, subject: Subject) -> None:
    """Any table ends in finite numbers or in an error; one that is valid and moderate ends as in Pyro."""
    is_moderate = draw(st.booleans())
    make = fuzz_tables.valid_table if is_moderate else fuzz_tables.table_of_one_shape
    options = fuzz_tables.any_options(draw, subject, MODERATE if is_moderate else WEIGHTS)
    options |= {"restarts": 1, "max_iter": min(options["max_iter"], 3)}  # along a flat maximum rounding grows
    table = make(draw, subject)
    if is_moderate and "real" in subject.kinds.values():
        table = fuzz_tables.in_other_units(draw, subject, table)
    result = fit(zoo.load(subject.card.name, "numpyro", **subject.settings), table, "em", **options)
    if not isinstance(result, zoo.ZooError):
        check_finite({**result.params, **result.state, "trace": result.trace})
    if is_moderate:
        expected = fit(subject.load(), table, "em", **options)
        if isinstance(result, zoo.ZooError) or isinstance(expected, zoo.ZooError):
            assert str(result) == str(expected)
            return
        size = max(1.0, np.abs(expected.trace).max())
        np.testing.assert_allclose(result.trace, expected.trace, rtol=1e-7, atol=1e-7 * size)
        for name, values in result.params.items():
            np.testing.assert_allclose(values, expected.params[name], rtol=1e-5, atol=1e-5 * np.abs(values).max())


def ask(name: str, variant: int, count: int) -> None:
    """Compare the backends at so many inputs."""
    subject = fuzz_tables.subjects(name)[variant]

    @settings(max_examples=count, suppress_health_check=SLOW_CHECKS, report_multiple_bugs=False)
    @given(st.data())
    def run(data: st.DataObject) -> Any:
        compare_backends(data.draw, subject)

    run()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), SUBJECTS)
def test_numpyro_ends_as_pyro(name, variant):
    ask(name, variant, max(4, INPUTS // (10 if name in COMPILED else 5)))
