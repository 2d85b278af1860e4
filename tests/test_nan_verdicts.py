"""No number is no pass: a check whose statistic is NaN fails."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import at_point, chains_of, correlated, guide_of

from inference import compare
from inference.evaluation.comparison import judge

RHO = correlated(0.9)


@pytest.mark.parametrize("draws", [2, 3])
def test_chains_too_short_for_r_hat_do_not_pass(draws):
    verdict = judge(chains_of(RHO, chains=2, draws=draws))
    assert verdict.trust == "no"
    assert f"have no value for {draws} draws of 2 chains: raise num_samples" in verdict.explanation


def test_a_quantity_that_never_moved_does_not_pass():
    fit = chains_of(RHO)
    fit.draws["mu"][..., 1] = 0.1  # whose standard deviation is rounding error
    verdict = judge(fit)
    assert verdict.trust == "no"
    assert "mu[1] never moved" in verdict.explanation


def test_a_guide_that_cannot_be_compared_does_not_pass():
    c = compare(guide_of(RHO, RHO), chains_of(RHO, chains=2, draws=2))
    assert c.verdicts["svi (mean_field)"].trust == "unclear"


def test_a_guide_of_one_value_is_no_posterior():
    guide = guide_of(RHO, RHO)
    guide.draws["mu"][..., 1] = 0.1
    c = compare(guide, chains_of(RHO))
    assert c.verdicts["svi (mean_field)"].trust != "yes"


def test_a_constant_of_both_fits_is_no_fault():
    fits = [guide_of(RHO, RHO), chains_of(RHO)]
    for fit in fits:
        fit.draws["mu"][..., 1] = 0.1
    c = compare(*fits)
    assert "mu[1]" not in c.verdicts["svi (mean_field)"].explanation


def test_a_likelihood_that_is_no_number_does_not_pass():
    point = at_point(chains_of(RHO))
    ml = replace(point, options={"objective": "ml"}, params={"mu": np.array([np.nan, 0.0])})
    assert judge(ml).trust == "no"
