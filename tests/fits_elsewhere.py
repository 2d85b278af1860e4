"""Fits of the libraries' own MCMC and SVI, and our own fits to compare with.

The fits are cached: tests in several files read them, and none changes them.
"""

import functools

import numpy as np
import pytest

import inference
import zoo
from zoo import ZooError

BACKENDS = ("numpyro", "pyro")
rng = np.random.default_rng(3)
X = np.column_stack([np.ones(30), rng.normal(size=30)])
Y = X @ [0.5, -1.0] + rng.normal(size=30)
# closed form of y ~ Normal(X beta, 1), beta ~ Normal(0, 2)
PRECISION = X.T @ X + np.eye(2) / 4
COVARIANCE = np.linalg.inv(PRECISION)
MEAN = COVARIANCE @ X.T @ Y
MARGINAL = np.eye(30) + 4 * X @ X.T
LOG_EVIDENCE = -0.5 * (Y @ np.linalg.solve(MARGINAL, Y) + np.linalg.slogdet(2 * np.pi * MARGINAL)[1])


def numpyro_regression(X, y):
    import numpyro
    import numpyro.distributions as dist

    beta = numpyro.sample("beta", dist.Normal(0.0, 2.0).expand([2]).to_event(1))
    numpyro.deterministic("slope", beta[1])
    with numpyro.plate("rows", len(X)):
        numpyro.sample("y", dist.Normal(X @ beta, 1.0), obs=y)


def pyro_regression(X, y):
    import pyro
    import pyro.distributions as dist
    import torch

    beta = pyro.sample("beta", dist.Normal(torch.zeros(2), 2.0).to_event(1))
    pyro.deterministic("slope", beta[1])
    with pyro.plate("rows", len(X)):
        pyro.sample("y", dist.Normal(X @ beta, 1.0), obs=y)


@functools.cache
def numpyro_mcmc():
    """Two chains of NumPyro's NUTS on the regression."""
    import jax
    from numpyro.infer import MCMC, NUTS

    mcmc = MCMC(
        NUTS(numpyro_regression), num_warmup=200, num_samples=500, num_chains=2, progress_bar=False,
        chain_method="sequential",
    )  # fmt: skip
    mcmc.run(jax.random.PRNGKey(0), X, Y, extra_fields=("num_steps",))
    return mcmc


@functools.cache
def pyro_mcmc():
    """One chain of Pyro's NUTS on the regression."""
    import pyro
    import torch
    from pyro.infer import MCMC, NUTS

    pyro.set_rng_seed(0)
    arguments = (torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(Y, dtype=torch.float32))
    mcmc = MCMC(NUTS(pyro_regression), num_samples=400, warmup_steps=100, disable_progbar=True)
    mcmc.run(*arguments)
    return mcmc


@functools.cache
def own_fit():
    """A fit of a Poisson mixture by our NUTS."""
    x = np.random.default_rng(1).poisson(np.where(np.arange(60) < 25, 2.0, 9.0)).astype(float)
    model = zoo.load("poisson_mixture", K=2)
    return inference.fit(model, x, "nuts", num_warmup=200, num_samples=250, num_chains=2)


@functools.cache
def own_guide():
    """A fit of the same mixture to the same data by our SVI."""
    own = own_fit()
    return inference.fit(own.model, own.data, "svi", num_steps=300)


def as_mcmc(fit, backend):
    """An MCMC of a library that holds the draws of a fit."""
    if backend == "numpyro":
        from numpyro.infer import MCMC, NUTS

        class Stored(MCMC):
            def get_samples(self, group_by_chain=False):
                return fit.draws

            def get_extra_fields(self, group_by_chain=False):
                return {"diverging": fit.stats["diverging"]}

        return Stored(NUTS(fit.model.program), num_warmup=1, num_samples=1)
    import torch
    from pyro.infer import MCMC as PyroMCMC
    from pyro.infer import NUTS as PyroNUTS

    class StoredPyro(PyroMCMC):
        def get_samples(self, num_samples=None, group_by_chain=False):
            return {n: torch.as_tensor(v.copy()) for n, v in fit.draws.items()}

        def diagnostics(self):
            chains = enumerate(fit.stats["diverging"])
            return {"divergences": {f"chain {i}": list(np.flatnonzero(d)) for i, d in chains}}

    return StoredPyro(PyroNUTS(fit.model.program), num_samples=1, warmup_steps=1)


def rates_guide(x=None, *, K, **settings):
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Dirichlet, LogNormal

    sample("pi", Dirichlet(jnp.array([20.0, 30.0])))
    with plate("K", K):
        sample("rate", LogNormal(jnp.log(jnp.array([2.0, 9.0])), 0.1))


def rates_svi(own):
    """An SVI of NumPyro whose guide draws no labels."""
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO

    return SVI(own.model.program, rates_guide, numpyro.optim.Adam(0.01), Trace_ELBO())


def schools(num_chains=2, dims=("school",), whole_numbers=True):
    """A tree of ArviZ with a named dimension, and no program."""
    from arviz_base import from_dict

    posterior = {"theta": np.random.default_rng(0).normal([0.0, 1.0, 2.0], size=(num_chains, 300, 3))}
    posterior |= {"count": np.ones((num_chains, 300), int)} if whole_numbers else {}
    coords = {dims[0]: ["Choate", "Deerfield", "Exeter"]}
    return from_dict({"posterior": posterior}, coords=coords, dims={"theta": list(dims)})


def check_refusal(message, call):
    """A call raises ZooError with this message, in one line."""
    with pytest.raises(ZooError, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)
