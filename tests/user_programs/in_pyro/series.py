"""Time series by markov, by loops and by slices, and a Gaussian process: most have no plate over their data."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import config_enumerate


@config_enumerate
def hidden_markov(y, num_states=2):
    """Hidden Markov model with normal emissions; the chain starts from state 0."""
    with pyro.plate("states", num_states):
        transition = pyro.sample("transition", dist.Dirichlet(torch.ones(num_states)))
        location = pyro.sample("location", dist.Normal(0.0, 3.0))
    state = 0
    for t in pyro.markov(range(len(y))):
        state = pyro.sample(f"state_{t}", dist.Categorical(transition[state]))
        pyro.sample(f"y_{t}", dist.Normal(location[state], 1.0), obs=y[t])


def local_level(y):
    """A random walk with noise."""
    sigma_level = pyro.sample("sigma_level", dist.HalfNormal(1.0))
    sigma_obs = pyro.sample("sigma_obs", dist.HalfNormal(1.0))
    level = pyro.sample("start", dist.Normal(0.0, 5.0))
    for t, y_t in enumerate(y):
        level = pyro.sample(f"level_{t}", dist.Normal(level, sigma_level))
        pyro.sample(f"obs_{t}", dist.Normal(level, sigma_obs), obs=y_t)


def stochastic_volatility(returns):
    """Daily returns whose log volatility is a random walk."""
    step_size = pyro.sample("sigma", dist.Exponential(10.0))
    s = [pyro.sample("s_0", dist.Normal(0.0, step_size))]
    for t in range(1, len(returns)):
        s.append(pyro.sample(f"s_{t}", dist.Normal(s[-1], step_size)))
    nu = pyro.sample("nu", dist.Exponential(0.1))
    with pyro.plate("time", len(returns)):
        pyro.sample("r", dist.StudentT(nu, 0.0, torch.stack(s, -1).exp()), obs=returns)


def autoregression(series):
    """AR(1): the first value is a covariate, so that there is one observation fewer than there are values."""
    c = pyro.sample("c", dist.Normal(0.0, 2.0))
    phi = pyro.sample("phi", dist.Normal(0.0, 1.0))
    sigma = pyro.sample("sigma", dist.HalfNormal(1.0))
    with pyro.plate("steps", series.shape[0] - 1):
        pyro.sample("next", dist.Normal(c + phi * series[:-1], sigma), obs=series[1:])


def gaussian_process(X, Y):
    """Regression by a Gaussian process with a squared exponential kernel; the function is integrated out."""
    var = pyro.sample("kernel_var", dist.LogNormal(0.0, 1.0))
    length = pyro.sample("kernel_length", dist.LogNormal(0.0, 1.0))
    noise = pyro.sample("kernel_noise", dist.LogNormal(0.0, 1.0))
    distance = (X[:, None] - X[None, :]) / length
    covariance = var * torch.exp(-0.5 * distance**2) + (noise + 1e-6) * torch.eye(X.shape[0])
    pyro.sample("Y", dist.MultivariateNormal(torch.zeros(X.shape[0]), covariance_matrix=covariance), obs=Y)
