"""Models of posteriordb in NumPyro, each in one of the idioms of its documentation."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.experimental.ode import odeint
from numpyro.contrib.control_flow import scan
from numpyro.distributions import constraints
from numpyro.ops.indexing import Vindex

from zoo.in_numpyro import Chain


def eight_schools(J, y, sigma):
    """Effects of coaching in J schools, in the non-centred form (Rubin 1981)."""
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("schools", J):
        theta_trans = numpyro.sample("theta_trans", dist.Normal(0, 1))
        theta = numpyro.deterministic("theta", mu + tau * theta_trans)
        numpyro.sample("effect", dist.Normal(theta, sigma), obs=y)


def linear_regression(X, y=None):
    """Linear regression with independent normal priors."""
    n, d = X.shape
    beta = numpyro.sample("beta", dist.Normal(0, 10).expand([d]).to_event(1))
    sigma = numpyro.sample("sigma", dist.HalfNormal(10))
    with numpyro.plate("observations", n):
        numpyro.sample("y", dist.Normal(X @ beta, sigma), obs=y)


def kid_scores(mom_hs, mom_iq, kid_score):
    """Test scores of children by their mothers' schooling and IQ, with flat coefficients and no plate."""
    beta = numpyro.sample("beta", dist.ImproperUniform(constraints.real, (), (3,)))
    sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))
    mean = beta[0] + beta[1] * mom_hs + beta[2] * mom_iq
    numpyro.sample("kid_score", dist.Normal(mean, sigma), obs=kid_score)


def earnings(earn, height, male):
    """Log earnings by height and sex with their interaction; every prior is flat."""
    beta = numpyro.sample("beta", dist.ImproperUniform(constraints.real, (), (4,)))
    sigma = numpyro.sample("sigma", dist.ImproperUniform(constraints.positive, (), ()))
    X = jnp.stack([jnp.ones_like(height), height, male, height * male], axis=-1)
    with numpyro.plate("people", len(earn)):
        numpyro.sample("log_earn", dist.Normal(X @ beta, sigma), obs=jnp.log(earn))


def mesquite(weight, *, diam1, diam2, canopy_height, total_height, density, group):
    """Log weight of leaves of mesquite bushes by log measurements; coefficients in a plate with flat priors."""
    columns = [jnp.log(c) for c in (diam1, diam2, canopy_height, total_height, density)]
    X = jnp.stack([jnp.ones(len(weight)), *columns, group], axis=1)
    with numpyro.plate("coefficients", X.shape[1]):
        beta = numpyro.sample("beta", dist.ImproperUniform(constraints.real, (), ()))
    sigma = numpyro.sample("sigma", dist.ImproperUniform(constraints.positive, (), ()))
    with numpyro.plate("bushes", X.shape[0]):
        numpyro.sample("log_weight", dist.Normal(X @ beta, sigma), obs=jnp.log(weight))


def kilpisjarvi(x, y=None, alpha_prior=(0.0, 100.0), beta_prior=(0.0, 1.0)):
    """Summer temperature at Kilpisjärvi by year: a line whose priors (mean, standard deviation) are arguments."""
    alpha = numpyro.sample("alpha", dist.Normal(*alpha_prior))
    beta = numpyro.sample("beta", dist.Normal(*beta_prior))
    sigma = numpyro.sample("sigma", dist.ImproperUniform(constraints.positive, (), ()))
    with numpyro.plate("years", x.shape[0]):
        numpyro.sample("temperature", dist.Normal(alpha + beta * x, sigma), obs=y)


def autoregression(y, K):
    """Autoregression of order K given the first K values."""
    alpha = numpyro.sample("alpha", dist.Normal(0, 10))
    with numpyro.plate("lags", K):
        beta = numpyro.sample("beta", dist.Normal(0, 10))
    sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))
    mean = alpha
    for k in range(K):
        mean = mean + beta[k] * y[K - 1 - k : len(y) - 1 - k]
    numpyro.sample("y", dist.Normal(mean, sigma), obs=y[K:])


def arma(y):
    """ARMA(1, 1) by scan, with the observations within it."""
    mu = numpyro.sample("mu", dist.Normal(0, 10))
    phi = numpyro.sample("phi", dist.Normal(0, 2))
    theta = numpyro.sample("theta", dist.Normal(0, 2))
    sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))

    def step(previous, y_t):
        y_before, error_before = previous
        mean = mu + phi * y_before + theta * error_before
        numpyro.sample("y", dist.Normal(mean, sigma), obs=y_t)
        return (y_t, y_t - mean), None

    scan(step, (mu, jnp.zeros_like(mu)), y)  # the value before the first is mu, its error zero


def gaussian_process(x, y):
    """Gaussian process regression with a squared exponential kernel; sigma is the variance of the noise."""
    rho = numpyro.sample("rho", dist.Gamma(25, 4))
    alpha = numpyro.sample("alpha", dist.HalfNormal(2))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1))
    squared_distance = (x[:, None] - x) ** 2
    covariance = alpha**2 * jnp.exp(-squared_distance / (2 * rho**2)) + sigma * jnp.eye(len(x))
    numpyro.sample("y", dist.MultivariateNormal(0, covariance_matrix=covariance), obs=y)


def lotka_volterra(ts, y_init, y=None):
    """Hares and lynxes, whose numbers follow the equations of Lotka and Volterra, measured with log-normal errors."""
    theta = numpyro.sample(
        "theta",
        dist.TruncatedNormal(jnp.array([1.0, 0.05, 1.0, 0.05]), jnp.array([0.5, 0.05, 0.5, 0.05]), low=0).to_event(1),
    )
    sigma = numpyro.sample("sigma", dist.LogNormal(-1, 1).expand([2]).to_event(1))
    z_init = numpyro.sample("z_init", dist.LogNormal(jnp.log(10), 1).expand([2]).to_event(1))

    def growth(z, t, theta):
        hares, lynxes = z
        return jnp.stack([(theta[0] - theta[1] * lynxes) * hares, (theta[3] * hares - theta[2]) * lynxes])

    times = jnp.concatenate([jnp.zeros(1), ts])
    z = odeint(growth, z_init, times, theta, rtol=1e-6, atol=1e-6, mxstep=1000)[1:]  # stiff far from the posterior
    numpyro.sample("y_init", dist.LogNormal(jnp.log(z_init), sigma).to_event(1), obs=y_init)
    with numpyro.plate("years", len(ts)):
        numpyro.sample("y", dist.LogNormal(jnp.log(z), sigma).to_event(1), obs=y)


def hidden_markov(y):
    """Two states with means in order, by scan; the first state is uniform."""
    theta1 = numpyro.sample("theta1", dist.Dirichlet(jnp.ones(2)))
    theta2 = numpyro.sample("theta2", dist.Dirichlet(jnp.ones(2)))
    mu = numpyro.sample("mu", dist.ImproperUniform(constraints.positive_ordered_vector, (), (2,)))
    numpyro.factor("mu_prior", dist.Normal(jnp.array([3.0, 10.0]), 1).log_prob(mu).sum())
    theta = jnp.stack([theta1, theta2])

    def step(z, y_t):
        z = numpyro.sample("z", dist.Categorical(Vindex(theta)[z, :]), infer={"enumerate": "parallel"})
        numpyro.sample("y", dist.Normal(mu[z], 1), obs=y_t)
        return z, None

    z = numpyro.sample("z_first", dist.Categorical(jnp.ones(2) / 2), infer={"enumerate": "parallel"})
    numpyro.sample("y_first", dist.Normal(mu[z], 1), obs=y[0])
    scan(step, z, y[1:])


def one_chain(y):
    """``hidden_markov`` with all states as one site."""
    theta1 = numpyro.sample("theta1", dist.Dirichlet(jnp.ones(2)))
    theta2 = numpyro.sample("theta2", dist.Dirichlet(jnp.ones(2)))
    mu = numpyro.sample("mu", dist.ImproperUniform(constraints.positive_ordered_vector, (), (2,)))
    numpyro.factor("mu_prior", dist.Normal(jnp.array([3.0, 10.0]), 1).log_prob(mu).sum())
    with numpyro.plate("sequences", 1, dim=-2):
        z = numpyro.sample("z", Chain(jnp.ones(2) / 2, jnp.stack([theta1, theta2]), len(y)))
        with numpyro.plate("steps", len(y), dim=-1):
            numpyro.sample("y", dist.Normal(mu[z], 1), obs=y)
