"""Choosing the size of users' own programs: one argument varies, the others are those of the program."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import inference
import zoo
from inference import choose
from inference.evaluation.selection.cross_validation import make_folds
from tests.table import SLOW_IN_NUMPYRO
from tests.user_programs import BY_NAME
from zoo import ZooError


@pytest.fixture(params=SLOW_IN_NUMPYRO, scope="module")
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def model(backend):
    return zoo.Model(BY_NAME["mixture_of_regressions"].load(backend), backend=backend)


def test_the_number_of_lines_is_chosen(model):
    (x,), data = BY_NAME["mixture_of_regressions"].arguments()
    choice = choose(zoo.read(model, x, **data), K=range(1, 3), restarts=2)
    assert (choice.letter, choice.sizes["bic"]) == ("K", 2)
    one, two = choice.table.loc[1], choice.table.loc[2]
    assert (one["parameters"], two["parameters"]) == (3, 6)
    for size, row in ((1, one), (2, two)):
        log_likelihood = choice.fits[size].log_likelihood().sum()
        assert row["log_likelihood"] == pytest.approx(log_likelihood, rel=1e-9)
        assert row["bic"] == pytest.approx(-2 * log_likelihood + row["parameters"] * np.log(30), rel=1e-9)


def test_rows_are_held_out_with_their_covariates(model):
    (x,), data = BY_NAME["mixture_of_regressions"].arguments()
    choice = choose(model, (x, data["y"]), K=[1, 2], criterion="cv", folds=2, restarts=1, max_iter=50)
    assert choice.validation_size == 30
    log_p = np.empty(30)
    for fold in make_folds(choice.fits[1], 2, 0):
        rest = np.delete(np.arange(30), fold)
        fit = inference.fit(model, x[rest], data["y"][rest], K=1, engine="em", restarts=1, max_iter=50)
        line = fit.params["intercept"] + fit.params["slope"] * x[fold]
        log_p[fold] = stats.norm.logpdf(data["y"][fold], line, fit.params["sigma"])
    assert choice.table.loc[1, "cv"] == pytest.approx(log_p.mean(), rel=1e-6)
    by_name = choose(model, {"x": x, **data}, K=[1], restarts=1, max_iter=50)
    np.testing.assert_allclose(by_name.fits[1].trace[-1], choice.fits[1].trace[-1], rtol=1e-9)


def test_refusals(backend, model):
    (x,), data = BY_NAME["mixture_of_regressions"].arguments()
    read = zoo.read(model, x, **data)
    with pytest.raises(ZooError, match="one of x, y, K"):
        choose(read)
    with pytest.raises(ZooError, match="one of x, y, K"):
        choose(read, Z=range(3))
    with pytest.raises(ZooError, match="whole numbers"):
        choose(read, K=[0.5])
    regression = zoo.Model(BY_NAME["plated_regression"].load(backend), backend=backend)
    (x,), data = BY_NAME["plated_regression"].arguments()
    with pytest.raises(ZooError, match="one of x, y"):  # K is a plate of its coefficients, and no argument
        choose(zoo.read(regression, x, **data), K=range(1, 3))
