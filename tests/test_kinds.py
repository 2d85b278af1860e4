"""Kinds of sites: the support of a distribution gives the same kind in NumPyro and Pyro."""

import pytest


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(0.0, 1.0, "unit"), (0, 1, "unit"), (0.0, 2.0, "real"), (-1.0, 1.0, "real")]
)
def test_kinds_are_those_of_the_support_in_both_languages(low, high, kind):
    from numpyro.distributions import Uniform
    from pyro.distributions import Uniform as PyroUniform

    from zoo._backend import in_numpyro, in_pyro

    assert in_numpyro.kind_of(Uniform(low, high)) == kind
    assert in_pyro.kind_of(PyroUniform(low, high)) == kind


def test_half_lines_are_positive_in_both_languages():
    import numpyro.distributions as numpyro_distributions
    import pyro.distributions as pyro_distributions

    from zoo._backend import in_numpyro, in_pyro

    for name in ("HalfNormal", "HalfCauchy", "Exponential"):
        assert in_numpyro.kind_of(getattr(numpyro_distributions, name)(1.0)) == "positive"
        assert in_pyro.kind_of(getattr(pyro_distributions, name)(1.0)) == "positive"
    assert in_numpyro.kind_of(numpyro_distributions.Pareto(1.0, 1.0)) == "real"
    assert in_pyro.kind_of(pyro_distributions.Pareto(1.0, 1.0)) == "real"
