"""Mixtures whose assignments are discrete latents."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist


def stick_breaking(beta):
    """Weights (T,) by T - 1 broken sticks."""
    remaining = jnp.cumprod(1 - beta)
    return jnp.pad(beta, (0, 1), constant_values=1) * jnp.pad(remaining, (1, 0), constant_values=1)


def dirichlet_process(data, T=4):
    """A Dirichlet process mixture of normals with at most T components."""
    alpha = numpyro.sample("alpha", dist.Gamma(2.0, 2.0))
    with numpyro.plate("sticks", T - 1):
        beta = numpyro.sample("beta", dist.Beta(1, alpha))
    with numpyro.plate("component", T):
        mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    scale = numpyro.sample("scale", dist.LogNormal(0.0, 0.5))
    with numpyro.plate("points", data.shape[0]):
        z = numpyro.sample("z", dist.Categorical(stick_breaking(beta)), infer={"enumerate": "parallel"})
        numpyro.sample("obs", dist.Normal(mu[z], scale), obs=data)


def mixture_of_regressions(x, y=None, K=2):
    """Two lines; every point belongs to one of them."""
    weights = numpyro.sample("weights", dist.Dirichlet(2.0 * jnp.ones(K)))
    with numpyro.plate("lines", K):
        intercept = numpyro.sample("intercept", dist.Normal(0.0, 3.0))
        slope = numpyro.sample("slope", dist.Normal(0.0, 3.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1.0))
    with numpyro.plate("N", x.shape[0]):
        line = numpyro.sample("line", dist.Categorical(weights))
        numpyro.sample("y", dist.Normal(intercept[line] + slope[line] * x, sigma), obs=y)


def ordered_mixture(waiting):
    """Three normals whose means are ordered, so that the components have one order."""
    p = numpyro.sample("p", dist.Dirichlet(jnp.ones(3)))
    base = dist.Normal(0.0, 3.0).expand([3]).to_event(1)
    means = numpyro.sample("means", dist.ImproperUniform(dist.constraints.ordered_vector, (), event_shape=(3,)))
    numpyro.factor("means_prior", base.log_prob(means))
    sd = numpyro.sample("sd", dist.HalfNormal(2.0))
    with numpyro.plate("eruptions", len(waiting)):
        kind = numpyro.sample("kind", dist.Categorical(p), infer={"enumerate": "parallel"})
        numpyro.sample("waiting", dist.Normal(means[kind], sd), obs=waiting)
