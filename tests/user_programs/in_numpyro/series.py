"""Time series by scan and by slices, and a Gaussian process: most have no plate over their data."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.contrib.control_flow import scan


def hidden_markov(y, num_states=2):
    """Hidden Markov model with normal emissions; the chain starts from state 0."""
    with numpyro.plate("states", num_states):
        transition = numpyro.sample("transition", dist.Dirichlet(jnp.ones(num_states)))
        location = numpyro.sample("location", dist.Normal(0.0, 3.0))

    def step(previous, y_t):
        state = numpyro.sample("state", dist.Categorical(transition[previous]), infer={"enumerate": "parallel"})
        numpyro.sample("y", dist.Normal(location[state], 1.0), obs=y_t)
        return state, None

    scan(step, 0, y)


def local_level(y):
    """A random walk with noise."""
    sigma_level = numpyro.sample("sigma_level", dist.HalfNormal(1.0))
    sigma_obs = numpyro.sample("sigma_obs", dist.HalfNormal(1.0))
    start = numpyro.sample("start", dist.Normal(0.0, 5.0))

    def transition(level, y_t):
        level = numpyro.sample("level", dist.Normal(level, sigma_level))
        numpyro.sample("obs", dist.Normal(level, sigma_obs), obs=y_t)
        return level, level

    scan(transition, start, y)


def stochastic_volatility(returns):
    """Daily returns whose log volatility is a random walk."""
    step_size = numpyro.sample("sigma", dist.Exponential(10.0))
    s = numpyro.sample("s", dist.GaussianRandomWalk(scale=step_size, num_steps=jnp.shape(returns)[0]))
    nu = numpyro.sample("nu", dist.Exponential(0.1))
    with numpyro.plate("time", len(returns)):
        numpyro.sample("r", dist.StudentT(df=nu, loc=0.0, scale=jnp.exp(s)), obs=returns)


def autoregression(series):
    """AR(1): the first value is a covariate, so that there is one observation fewer than there are values."""
    c = numpyro.sample("c", dist.Normal(0.0, 2.0))
    phi = numpyro.sample("phi", dist.Normal(0.0, 1.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1.0))
    with numpyro.plate("steps", series.shape[0] - 1):
        numpyro.sample("next", dist.Normal(c + phi * series[:-1], sigma), obs=series[1:])


def gaussian_process(X, Y):
    """Regression by a Gaussian process with a squared exponential kernel; the function is integrated out."""
    var = numpyro.sample("kernel_var", dist.LogNormal(0.0, 1.0))
    length = numpyro.sample("kernel_length", dist.LogNormal(0.0, 1.0))
    noise = numpyro.sample("kernel_noise", dist.LogNormal(0.0, 1.0))
    distance = (X[:, None] - X[None, :]) / length
    covariance = var * jnp.exp(-0.5 * distance**2) + (noise + 1e-6) * jnp.eye(X.shape[0])
    numpyro.sample("Y", dist.MultivariateNormal(jnp.zeros(X.shape[0]), covariance_matrix=covariance), obs=Y)
