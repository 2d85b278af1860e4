"""Models of posteriordb in Pyro, each in one of the idioms of its documentation.

A flat prior is a distribution of the right support with ``mask(False)``, or ``ImproperUniform``.
"""

import pyro
import pyro.distributions as dist
import torch
from pyro.distributions import constraints
from pyro.ops.indexing import Vindex

from zoo.in_pyro import Chain


def eight_schools(J, y, sigma):
    """Effects of coaching in J schools, in the non-centred form (Rubin 1981)."""
    mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", dist.HalfCauchy(5.0))
    with pyro.plate("schools", J):
        theta_trans = pyro.sample("theta_trans", dist.Normal(0.0, 1.0))
        theta = pyro.deterministic("theta", mu + tau * theta_trans)
        pyro.sample("effect", dist.Normal(theta, sigma), obs=y)


def linear_regression(X, y=None):
    """Linear regression with independent normal priors."""
    n, d = X.shape
    beta = pyro.sample("beta", dist.Normal(0.0, 10.0).expand([d]).to_event(1))
    sigma = pyro.sample("sigma", dist.HalfNormal(10.0))
    with pyro.plate("observations", n):
        pyro.sample("y", dist.Normal(X @ beta, sigma), obs=y)


def kid_scores(mom_hs, mom_iq, kid_score):
    """Test scores of children by their mothers' schooling and IQ, with flat coefficients and no plate."""
    beta = pyro.sample("beta", dist.Normal(0.0, 1.0).expand([3]).to_event(1).mask(False))
    sigma = pyro.sample("sigma", dist.HalfCauchy(2.5))
    mean = beta[0] + beta[1] * mom_hs + beta[2] * mom_iq
    pyro.sample("kid_score", dist.Normal(mean, sigma).to_event(1), obs=kid_score)


def earnings(earn, height, male):
    """Log earnings by height and sex with their interaction; every prior is flat."""
    beta = pyro.sample("beta", dist.ImproperUniform(constraints.real_vector, (), (4,)))
    sigma = pyro.sample("sigma", dist.ImproperUniform(constraints.positive, (), ()))
    X = torch.stack([torch.ones_like(height), height, male, height * male], dim=-1)
    with pyro.plate("people", len(earn)):
        pyro.sample("log_earn", dist.Normal(X @ beta, sigma), obs=earn.log())


def mesquite(weight, *, diam1, diam2, canopy_height, total_height, density, group):
    """Log weight of leaves of mesquite bushes by log measurements; coefficients in a plate with flat priors."""
    columns = [c.log() for c in (diam1, diam2, canopy_height, total_height, density)]
    X = torch.stack([torch.ones(len(weight)), *columns, group], dim=1)
    with pyro.plate("coefficients", X.shape[1]):
        beta = pyro.sample("beta", dist.Normal(0.0, 1.0).mask(False))
    sigma = pyro.sample("sigma", dist.HalfNormal(1.0).mask(False))
    with pyro.plate("bushes", X.shape[0]):
        pyro.sample("log_weight", dist.Normal(X @ beta, sigma), obs=weight.log())


def kilpisjarvi(x, y=None, alpha_prior=(0.0, 100.0), beta_prior=(0.0, 1.0)):
    """Summer temperature at Kilpisjärvi by year: a line whose priors (mean, standard deviation) are arguments."""
    alpha = pyro.sample("alpha", dist.Normal(*alpha_prior))
    beta = pyro.sample("beta", dist.Normal(*beta_prior))
    sigma = pyro.sample("sigma", dist.HalfNormal(1.0).mask(False))
    with pyro.plate("years", x.shape[0]):
        pyro.sample("temperature", dist.Normal(alpha + beta * x, sigma), obs=y)


def autoregression(y, K):
    """Autoregression of order K given the first K values."""
    alpha = pyro.sample("alpha", dist.Normal(0.0, 10.0))
    with pyro.plate("lags", K):
        beta = pyro.sample("beta", dist.Normal(0.0, 10.0))
    sigma = pyro.sample("sigma", dist.HalfCauchy(2.5))
    windows = y.unfold(0, K, 1)[:-1].flip(-1)  # the K values before each, the latest first
    pyro.sample("y", dist.Normal(alpha + windows @ beta, sigma).to_event(1), obs=y[K:])


def arma(y):
    """ARMA(1, 1): a loop for the means, then one observation of the series."""
    mu = pyro.sample("mu", dist.Normal(0.0, 10.0))
    phi = pyro.sample("phi", dist.Normal(0.0, 2.0))
    theta = pyro.sample("theta", dist.Normal(0.0, 2.0))
    sigma = pyro.sample("sigma", dist.HalfCauchy(2.5))
    base = mu + phi * torch.cat([mu.reshape(1), y[:-1]])  # the value before the first is mu, its error zero
    means = [base[0]]
    for base_t, y_before in zip(base[1:].unbind(), y[:-1].unbind(), strict=True):
        means.append(base_t + theta * (y_before - means[-1]))
    pyro.sample("y", dist.Normal(torch.stack(means), sigma).to_event(1), obs=y)


def gaussian_process(x, y):
    """Gaussian process regression with a squared exponential kernel; sigma is the variance of the noise."""
    rho = pyro.sample("rho", dist.Gamma(25.0, 4.0))
    alpha = pyro.sample("alpha", dist.HalfNormal(2.0))
    sigma = pyro.sample("sigma", dist.HalfNormal(1.0))
    squared_distance = (x.unsqueeze(-1) - x) ** 2
    covariance = alpha**2 * torch.exp(-squared_distance / (2 * rho**2)) + sigma * torch.eye(len(x))
    pyro.sample("y", dist.MultivariateNormal(torch.zeros(len(x)), covariance_matrix=covariance), obs=y)


def lotka_volterra(ts, y_init, y=None):
    """Hares and lynxes, whose numbers follow the equations of Lotka and Volterra, measured with log-normal errors."""
    # truncated normal priors: Pyro has none, so the density is added to a flat prior
    theta = pyro.sample("theta", dist.LogNormal(0.0, 1.0).expand([4]).to_event(1).mask(False))
    prior = dist.Normal(torch.tensor([1.0, 0.05, 1.0, 0.05]), torch.tensor([0.5, 0.05, 0.5, 0.05]))
    pyro.factor("theta_prior", prior.log_prob(theta).sum())
    sigma = pyro.sample("sigma", dist.LogNormal(-1.0, 1.0).expand([2]).to_event(1))
    z_init = pyro.sample("z_init", dist.LogNormal(torch.tensor(10.0).log(), 1.0).expand([2]).to_event(1))
    times = torch.cat([torch.zeros(1), ts])
    log_z = log_populations(theta, z_init.log(), times)
    pyro.sample("y_init", dist.LogNormal(log_z[0], sigma).to_event(1), obs=y_init)
    with pyro.plate("years", len(ts)):
        pyro.sample("y", dist.LogNormal(log_z[1:], sigma).to_event(1), obs=y)


def log_populations(theta, log_z, times, steps=5):
    """Logarithms of the populations at the times, by Runge-Kutta steps of order 4, ``steps`` between two times."""
    rate = theta[[0, 2]] * torch.tensor([1.0, -1.0])
    interaction = theta[[1, 3]] * torch.tensor([-1.0, 1.0])

    def slope(log_z):
        return torch.addcmul(rate, interaction, log_z.exp().flip(0))

    path = [log_z]
    for width in (times.diff() / steps).tolist():
        for _ in range(steps):
            first = slope(log_z)
            second = slope(log_z + width / 2 * first)
            third = slope(log_z + width / 2 * second)
            fourth = slope(log_z + width * third)
            log_z = log_z + width / 6 * (first + 2 * second + 2 * third + fourth)
        path.append(log_z)
    return torch.stack(path)


def hidden_markov(y):
    """Two states with means in order, by markov; the first state is uniform."""
    theta1 = pyro.sample("theta1", dist.Dirichlet(torch.ones(2)))
    theta2 = pyro.sample("theta2", dist.Dirichlet(torch.ones(2)))
    mu = pyro.sample("mu", dist.ImproperUniform(constraints.positive_ordered_vector, (), (2,)))
    pyro.factor("mu_prior", dist.Normal(torch.tensor([3.0, 10.0]), 1.0).log_prob(mu).sum())
    theta = torch.stack([theta1, theta2])
    z = None
    for t in pyro.markov(range(len(y))):
        probs = torch.ones(2) / 2 if z is None else Vindex(theta)[z, :]
        z = pyro.sample(f"z_{t}", dist.Categorical(probs), infer={"enumerate": "parallel"})
        pyro.sample(f"y_{t}", dist.Normal(Vindex(mu)[z], 1.0), obs=y[t])


def one_chain(y):
    """``hidden_markov`` with all states as one site."""
    theta1 = pyro.sample("theta1", dist.Dirichlet(torch.ones(2)))
    theta2 = pyro.sample("theta2", dist.Dirichlet(torch.ones(2)))
    mu = pyro.sample("mu", dist.ImproperUniform(constraints.positive_ordered_vector, (), (2,)))
    pyro.factor("mu_prior", dist.Normal(torch.tensor([3.0, 10.0]), 1.0).log_prob(mu).sum())
    with pyro.plate("sequences", 1, dim=-2):
        z = pyro.sample("z", Chain(torch.ones(2) / 2, torch.stack([theta1, theta2]), len(y)))
        with pyro.plate("steps", len(y), dim=-1):
            pyro.sample("y", dist.Normal(mu[z], 1.0), obs=y)
