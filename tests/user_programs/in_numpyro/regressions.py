"""Regressions: covariates are arguments, and sizes are read off the data."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import expit


def linear_regression(X, y=None):
    """Independent normal priors of the coefficients in one event dimension; the mean is reported."""
    num_covariates = X.shape[1]
    alpha = numpyro.sample("alpha", dist.Normal(0.0, 5.0))
    beta = numpyro.sample("beta", dist.Normal(0.0, 2.0).expand([num_covariates]).to_event(1))
    sigma = numpyro.sample("sigma", dist.Exponential(1.0))
    mean = numpyro.deterministic("mean", alpha + X @ beta)
    with numpyro.plate("data", X.shape[0]):
        numpyro.sample("obs", dist.Normal(mean, sigma), obs=y)


def plated_regression(x, y):
    """The coefficients in a plate called K, whose elements belong to different covariates; the noise is known."""
    with numpyro.plate("K", x.shape[1]):
        b = numpyro.sample("b", dist.Normal(0.0, 1.0))
    with numpyro.plate("n", len(y)):
        numpyro.sample("y", dist.Normal(jnp.dot(x, b), 0.5), obs=y)


def flat_regression(X, y):
    """Flat priors of the coefficients and of the log standard deviation."""
    coefs = numpyro.sample("coefs", dist.ImproperUniform(dist.constraints.real_vector, (), (X.shape[1],)))
    log_scale = numpyro.sample("log_scale", dist.ImproperUniform(dist.constraints.real, (), ()))
    numpyro.deterministic("scale", jnp.exp(log_scale))
    numpyro.sample("y", dist.Normal(X @ coefs, jnp.exp(log_scale)), obs=y)


def logistic_regression(features, switched=None):
    """Odds of a yes by an intercept and two covariates."""
    intercept = numpyro.sample("intercept", dist.Normal(0.0, 2.5))
    weights = numpyro.sample("weights", dist.Normal(jnp.zeros(features.shape[-1]), 1.5).to_event(1))
    logits = intercept + features @ weights
    with numpyro.plate("households", features.shape[0]):
        numpyro.sample("switched", dist.Bernoulli(logits=logits), obs=switched)


def zero_inflated_poisson(nitrogen, exposure, counts=None):
    """Counts by a covariate and an exposure, where some units are always zero."""
    a = numpyro.sample("a", dist.Normal(0, 1))
    b = numpyro.sample("b", dist.Normal(0, 1))
    g0 = numpyro.sample("g0", dist.Normal(0, 1.5))
    g1 = numpyro.sample("g1", dist.Normal(0, 1))
    rate = exposure * jnp.exp(a + b * nitrogen)
    gate = expit(g0 + g1 * nitrogen)
    with numpyro.plate("units", nitrogen.shape[0]):
        numpyro.sample("counts", dist.ZeroInflatedPoisson(gate=gate, rate=rate), obs=counts)


def poisson_gamma(failures, hours):
    """Failures of pumps: one rate each, and a common scale of the rates."""
    beta = numpyro.sample("beta", dist.Gamma(0.5, 1.0))
    with numpyro.plate("pumps", failures.shape[0]):
        rate = numpyro.sample("rate", dist.Gamma(1.8, beta))
        numpyro.sample("failures", dist.Poisson(rate * hours), obs=failures)
