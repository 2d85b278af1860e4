"""Hierarchies: groups by an index, by nested plates, and by a shared prior."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
from pyro.infer.reparam import LocScaleReparam


def eight_schools(J, sigma, y=None):
    """Rubin's coaching effects, in the non-centred form."""
    mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", dist.HalfCauchy(5.0))
    with pyro.plate("J", J):
        theta_tilde = pyro.sample("theta_tilde", dist.Normal(0.0, 1.0))
        theta = pyro.deterministic("theta", mu + tau * theta_tilde)
        pyro.sample("obs", dist.Normal(theta, sigma), obs=y)


def radon(county, floor, log_radon=None, num_counties=None):
    """Intercepts and slopes that vary by county; houses are the rows."""
    if num_counties is None:
        num_counties = int(county.max()) + 1
    mu_a = pyro.sample("mu_a", dist.Normal(0.0, 2.0))
    sigma_a = pyro.sample("sigma_a", dist.HalfNormal(1.0))
    mu_b = pyro.sample("mu_b", dist.Normal(0.0, 2.0))
    sigma_b = pyro.sample("sigma_b", dist.HalfNormal(1.0))
    with pyro.plate("county", num_counties):
        a = pyro.sample("a", dist.Normal(mu_a, sigma_a))
        b = pyro.sample("b", dist.Normal(mu_b, sigma_b))
    sigma_y = pyro.sample("sigma_y", dist.HalfCauchy(2.0))
    with pyro.plate("house", len(county)):
        pyro.sample("log_radon", dist.Normal(a[county] + b[county] * floor, sigma_y), obs=log_radon)


def rats(age, weight):
    """Growth curves of rats by days of age: an intercept and a slope each, measured at the same five ages."""
    centred = age - age.mean()
    alpha_mean = pyro.sample("alpha_mean", dist.Normal(250.0, 50.0))
    beta_mean = pyro.sample("beta_mean", dist.Normal(5.0, 5.0))
    alpha_sd = pyro.sample("alpha_sd", dist.HalfNormal(20.0))
    beta_sd = pyro.sample("beta_sd", dist.HalfNormal(2.0))
    noise = pyro.sample("noise", dist.HalfNormal(10.0))
    with pyro.plate("rat", weight.shape[0], dim=-2):
        alpha = pyro.sample("alpha", dist.Normal(alpha_mean, alpha_sd))
        beta = pyro.sample("beta", dist.Normal(beta_mean, beta_sd))
        with pyro.plate("day", len(age), dim=-1):
            pyro.sample("weight", dist.Normal(alpha + beta * centred, noise), obs=weight)


def rat_tumours(deaths, totals):
    """Tumour rates of control groups, with a prior proportional to (a + b)^-5/2 as a factor (Gelman)."""
    a = pyro.sample("a", dist.Exponential(0.2))
    b = pyro.sample("b", dist.Exponential(0.05))
    pyro.factor("hyperprior", -2.5 * torch.log(a + b))
    with pyro.plate("experiment", len(deaths)):
        theta = pyro.sample("theta", dist.Beta(a, b))
        pyro.sample("deaths", dist.Binomial(totals, theta), obs=deaths)


@pyro.poutine.reparam(config={"effect": LocScaleReparam(0.0)})
def school_effects(school, score):
    """A hierarchical normal whose group effects are reparameterised by the library."""
    num_schools = 5
    mu = pyro.sample("mu", dist.Normal(0.0, 10.0))
    tau = pyro.sample("tau", dist.LogNormal(0.0, 1.0))
    with pyro.plate("schools", num_schools):
        effect = pyro.sample("effect", dist.Normal(mu, tau))
    with pyro.plate("pupils", score.shape[0]):
        pyro.sample("score", dist.Normal(effect[school], 1.0), obs=score)
