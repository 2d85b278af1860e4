"""Hierarchies: groups by an index, by nested plates, and by a shared prior."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer.reparam import LocScaleReparam


def eight_schools(J, sigma, y=None):
    """Rubin's coaching effects, in the non-centred form."""
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("J", J):
        theta_tilde = numpyro.sample("theta_tilde", dist.Normal(0, 1))
        theta = numpyro.deterministic("theta", mu + tau * theta_tilde)
        numpyro.sample("obs", dist.Normal(theta, sigma), obs=y)


def radon(county, floor, log_radon=None, num_counties=None):
    """Intercepts and slopes that vary by county; houses are the rows."""
    if num_counties is None:
        num_counties = int(county.max()) + 1
    mu_a = numpyro.sample("mu_a", dist.Normal(0.0, 2.0))
    sigma_a = numpyro.sample("sigma_a", dist.HalfNormal(1.0))
    mu_b = numpyro.sample("mu_b", dist.Normal(0.0, 2.0))
    sigma_b = numpyro.sample("sigma_b", dist.HalfNormal(1.0))
    with numpyro.plate("county", num_counties):
        a = numpyro.sample("a", dist.Normal(mu_a, sigma_a))
        b = numpyro.sample("b", dist.Normal(mu_b, sigma_b))
    sigma_y = numpyro.sample("sigma_y", dist.HalfCauchy(2.0))
    with numpyro.plate("house", len(county)):
        numpyro.sample("log_radon", dist.Normal(a[county] + b[county] * floor, sigma_y), obs=log_radon)


def rats(age, weight):
    """Growth curves of rats by days of age: an intercept and a slope each, measured at the same five ages."""
    centred = age - age.mean()
    alpha_mean = numpyro.sample("alpha_mean", dist.Normal(250.0, 50.0))
    beta_mean = numpyro.sample("beta_mean", dist.Normal(5.0, 5.0))
    alpha_sd = numpyro.sample("alpha_sd", dist.HalfNormal(20.0))
    beta_sd = numpyro.sample("beta_sd", dist.HalfNormal(2.0))
    noise = numpyro.sample("noise", dist.HalfNormal(10.0))
    with numpyro.plate("rat", weight.shape[0], dim=-2):
        alpha = numpyro.sample("alpha", dist.Normal(alpha_mean, alpha_sd))
        beta = numpyro.sample("beta", dist.Normal(beta_mean, beta_sd))
        with numpyro.plate("day", len(age), dim=-1):
            numpyro.sample("weight", dist.Normal(alpha + beta * centred, noise), obs=weight)


def rat_tumours(deaths, totals):
    """Tumour rates of control groups, with a prior proportional to (a + b)^-5/2 as a factor (Gelman)."""
    a = numpyro.sample("a", dist.Exponential(0.2))
    b = numpyro.sample("b", dist.Exponential(0.05))
    numpyro.factor("hyperprior", -2.5 * jnp.log(a + b))
    with numpyro.plate("experiment", deaths.shape[0]):
        theta = numpyro.sample("theta", dist.Beta(a, b))
        numpyro.sample("deaths", dist.Binomial(totals, theta), obs=deaths)


def school_effects(school, score):
    """A hierarchical normal whose group effects are reparameterised by the library."""
    num_schools = 5
    mu = numpyro.sample("mu", dist.Normal(0.0, 10.0))
    tau = numpyro.sample("tau", dist.LogNormal(0.0, 1.0))
    with numpyro.plate("schools", num_schools), numpyro.handlers.reparam(config={"effect": LocScaleReparam(0.0)}):
        effect = numpyro.sample("effect", dist.Normal(mu, tau))
    with numpyro.plate("pupils", score.shape[0]):
        numpyro.sample("score", dist.Normal(effect[school], 1.0), obs=score)
