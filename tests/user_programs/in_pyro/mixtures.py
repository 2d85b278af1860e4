"""Mixtures whose assignments are discrete latents."""

# Pyro makes its distributions at import, where pyright sees none
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pyro
import pyro.distributions as dist
import torch
import torch.nn.functional as F
from pyro.infer import config_enumerate


def stick_breaking(beta):
    """Weights (T,) by T - 1 broken sticks."""
    remaining = (1 - beta).cumprod(-1)
    return F.pad(beta, (0, 1), value=1) * F.pad(remaining, (1, 0), value=1)


@config_enumerate
def dirichlet_process(data, T=4):
    """A Dirichlet process mixture of normals with at most T components."""
    alpha = pyro.sample("alpha", dist.Gamma(2.0, 2.0))
    with pyro.plate("sticks", T - 1):
        beta = pyro.sample("beta", dist.Beta(1.0, alpha))
    with pyro.plate("component", T):
        mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    scale = pyro.sample("scale", dist.LogNormal(0.0, 0.5))
    with pyro.plate("points", len(data)):
        z = pyro.sample("z", dist.Categorical(stick_breaking(beta)))
        pyro.sample("obs", dist.Normal(mu[z], scale), obs=data)


def mixture_of_regressions(x, y=None, K=2):
    """Two lines; every point belongs to one of them."""
    weights = pyro.sample("weights", dist.Dirichlet(2.0 * torch.ones(K)))
    with pyro.plate("lines", K):
        intercept = pyro.sample("intercept", dist.Normal(0.0, 3.0))
        slope = pyro.sample("slope", dist.Normal(0.0, 3.0))
    sigma = pyro.sample("sigma", dist.HalfNormal(1.0))
    with pyro.plate("N", x.shape[0]):
        line = pyro.sample("line", dist.Categorical(weights), infer={"enumerate": "parallel"})
        pyro.sample("y", dist.Normal(intercept[line] + slope[line] * x, sigma), obs=y)


@config_enumerate
def ordered_mixture(waiting):
    """Three normals whose means are ordered, so that the components have one order."""
    p = pyro.sample("p", dist.Dirichlet(torch.ones(3)))
    base = dist.Normal(0.0, 3.0).expand([3]).to_event(1)
    means = pyro.sample("means", dist.ImproperUniform(dist.constraints.ordered_vector, (), (3,)))
    pyro.factor("means_prior", base.log_prob(means))
    sd = pyro.sample("sd", dist.HalfNormal(2.0))
    with pyro.plate("eruptions", len(waiting)):
        kind = pyro.sample("kind", dist.Categorical(p))
        pyro.sample("waiting", dist.Normal(means[kind], sd), obs=waiting)
