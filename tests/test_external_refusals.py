"""Fits of other libraries that cannot be read, compared or used are refused in one line."""

from dataclasses import replace

import numpy as np
import pytest
from fits_elsewhere import (
    BACKENDS,
    Y,
    as_mcmc,
    check_refusal,
    numpyro_mcmc,
    numpyro_regression,
    own_fit,
    pyro_regression,
    rates_svi,
    schools,
)
from synthetic import at_point, chains_of, correlated, mixture

import inference
from inference import compare, from_arviz, from_mcmc, from_svi
from zoo import ZooError


def unfinished(backend):
    if backend == "numpyro":
        from numpyro.infer import MCMC, NUTS

        return MCMC(NUTS(numpyro_regression), num_warmup=1, num_samples=1)
    from pyro.infer import MCMC as PyroMCMC
    from pyro.infer import NUTS as PyroNUTS

    return PyroMCMC(PyroNUTS(pyro_regression), num_samples=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_chains_that_have_not_run_are_refused(backend):
    check_refusal("holds no draws: run it first", lambda: from_mcmc(unfinished(backend)))


def test_other_objects_are_refused():
    mcmc = numpyro_mcmc()
    check_refusal("after run; given list", lambda: from_mcmc([1]))
    check_refusal("given NUTS", lambda: from_mcmc(mcmc.sampler))
    check_refusal("given dict", lambda: from_svi({}))
    check_refusal("given MCMC", lambda: from_svi(mcmc))
    check_refusal("given int", lambda: from_arviz(3))
    check_refusal("no file 'absent.nc'", lambda: from_arviz("absent.nc"))
    check_refusal(r"no group posterior \(groups: prior\)", lambda: from_arviz(schools().assign(
        prior=schools()["posterior"]).drop_nodes("posterior")))  # fmt: skip


def test_numpyro_svi_without_parameters_is_refused():
    own = own_fit()
    check_refusal("params is what SVI.run", lambda: from_svi(rates_svi(own), own.data["x"], **own.keywords))


def test_draws_of_another_model_are_refused():
    mcmc, own = numpyro_mcmc(), own_fit()
    check_refusal(
        "poisson_mixture has pi, rate, and the draws have beta, slope",
        lambda: from_mcmc(mcmc, model=own.model, data=own.data),
    )
    check_refusal("needs data=", lambda: from_mcmc(mcmc, model=own.model))
    check_refusal("model is zoo.load", lambda: from_mcmc(mcmc, model=0, data=own.data))  # type: ignore[arg-type]
    check_refusal("give model=", lambda: from_mcmc(mcmc, data=Y))
    wide = replace(own, draws={n: np.concatenate([v, v], -1) for n, v in own.draws.items()})
    check_refusal("has the shape", lambda: from_mcmc(as_mcmc(wide, "numpyro"), model=own.model, data=own.data))


def test_fits_to_different_data_are_refused():
    ours = mixture("nuts", shape=(2, 50))
    fit = from_arviz(ours.to_arviz())
    compare(ours, replace(fit, data={"x": fit.data["x"].astype(np.float32)}))
    with pytest.raises(ZooError, match="different data"):
        compare(ours, replace(fit, data={"x": fit.data["x"] + 1.0}))


def test_fits_without_a_common_name_are_refused():
    with pytest.raises(ZooError, match=r"share no name of one shape: .* has theta, count; .* has mu"):
        compare(from_arviz(schools()), chains_of(correlated(0.5)))


def test_what_needs_a_program_says_that_it_is_missing():
    fit = from_arviz(schools())
    calls = (
        fit.log_likelihood,
        fit.local,
        fit.predict,
        lambda: fit.simulate(3),
        lambda: fit.model.log_joint({}),
        lambda: fit.model.program,
        lambda: inference.fit(fit.model, np.zeros(3), "nuts"),
    )
    for call in calls:
        check_refusal("has no program", call)
    point = from_arviz(at_point(mixture("nuts", shape=(2, 50))).to_arviz())
    assert point.kind == "point"
    for method in ("information", "bootstrap"):
        check_refusal("has no program", lambda m=method: inference.standard_errors(point, method=m))
    check_refusal("has its own spread", lambda: inference.standard_errors(fit))
    check_refusal("has no program", lambda: inference.held_out(fit, np.zeros(3)))
