"""Regressions: covariates are arguments, and sizes are read off the data."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch


def linear_regression(X, y=None):
    """Independent normal priors of the coefficients in one event dimension; the mean is reported."""
    num_data, num_covariates = X.shape
    alpha = pyro.sample("alpha", dist.Normal(0.0, 5.0))
    beta = pyro.sample("beta", dist.Normal(0.0, 2.0).expand([num_covariates]).to_event(1))
    sigma = pyro.sample("sigma", dist.Exponential(1.0))
    mean = pyro.deterministic("mean", alpha + X @ beta)
    with pyro.plate("data", num_data):
        pyro.sample("obs", dist.Normal(mean, sigma), obs=y)


def plated_regression(x, y):
    """The coefficients in a plate called K, whose elements belong to different covariates; the noise is known."""
    with pyro.plate("K", x.size(1)):
        b = pyro.sample("b", dist.Normal(0.0, 1.0))
    with pyro.plate("n", len(y)):
        pyro.sample("y", dist.Normal(torch.mv(x, b), 0.5), obs=y)


def flat_regression(X, y):
    """Flat priors of the coefficients and of the log standard deviation."""
    coefs = pyro.sample("coefs", dist.ImproperUniform(dist.constraints.real_vector, (), (X.shape[1],)))
    log_scale = pyro.sample("log_scale", dist.ImproperUniform(dist.constraints.real, (), ()))
    scale = pyro.deterministic("scale", log_scale.exp())
    pyro.sample("y", dist.Normal(X @ coefs, scale).to_event(1), obs=y)


def logistic_regression(features, switched=None):
    """Odds of a yes by an intercept and two covariates."""
    intercept = pyro.sample("intercept", dist.Normal(0.0, 2.5))
    weights = pyro.sample("weights", dist.Normal(torch.zeros(features.shape[-1]), 1.5).to_event(1))
    logits = intercept + features.matmul(weights)
    with pyro.plate("households", features.shape[0]):
        pyro.sample("switched", dist.Bernoulli(logits=logits), obs=switched)


def zero_inflated_poisson(nitrogen, exposure, counts=None):
    """Counts by a covariate and an exposure, where some units are always zero."""
    a = pyro.sample("a", dist.Normal(0.0, 1.0))
    b = pyro.sample("b", dist.Normal(0.0, 1.0))
    g0 = pyro.sample("g0", dist.Normal(0.0, 1.5))
    g1 = pyro.sample("g1", dist.Normal(0.0, 1.0))
    rate = exposure * torch.exp(a + b * nitrogen)
    gate = torch.sigmoid(g0 + g1 * nitrogen)
    with pyro.plate("units", nitrogen.shape[0]):
        pyro.sample("counts", dist.ZeroInflatedPoisson(rate, gate=gate), obs=counts)


def poisson_gamma(failures, hours):
    """Failures of pumps: one rate each, and a common scale of the rates."""
    beta = pyro.sample("beta", dist.Gamma(0.5, 1.0))
    with pyro.plate("pumps", failures.shape[0]):
        rate = pyro.sample("rate", dist.Gamma(1.8, beta))
        pyro.sample("failures", dist.Poisson(rate * hours), obs=failures)
