import torch
from pyro import plate, sample
from pyro.distributions import Categorical, Dirichlet, Gamma, MultivariateNormal, Normal

from zoo._distributions.wishart.in_pyro import Wishart


def model(x=None, *, N, D, K, covariance="full", loc=0.0, scale=5.0, spread=1.0):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    pi = sample("pi", Dirichlet(torch.ones(K)))
    Lambda = sample("Lambda", prior(covariance, spread, D)) if covariance.startswith("tied") else None
    with plate("K", K):
        mu = sample("mu", Normal(loc, scale).to_event(1))
        if Lambda is None:
            Lambda = sample("Lambda", prior(covariance, spread, D))
    with plate("N", N):
        z = sample("z", Categorical(pi))
        sample("x", component(covariance, mu, Lambda, z, D), obs=x)


def prior(covariance, spread, D):
    match covariance:
        case "full" | "tied":
            return Wishart(D + 2.0, precision_matrix=torch.diag(spread**2))
        case "diag" | "tied_diag":
            return Gamma(1.5, spread**2 / 2).to_event(1)
        case "spherical":
            return Gamma(1.5, (spread**2).mean() / 2)


def component(covariance, mu, Lambda, z, D):
    match covariance:
        case "full":
            return MultivariateNormal(mu[z], scale_tril=root(Lambda)[z])
        case "tied":
            return MultivariateNormal(mu[z], scale_tril=root(Lambda))
        case "diag":
            return Normal(mu[z], Lambda[z] ** -0.5).to_event(1)
        case "tied_diag":
            return Normal(mu[z], Lambda**-0.5).to_event(1)
        case "spherical":
            return Normal(mu[z], (Lambda[z] ** -0.5)[..., None]).to_event(1)


def root(Lambda):
    # the Cholesky factor of Sigma, once for each component and not once for each row
    return MultivariateNormal(Lambda.new_zeros(Lambda.shape[-1]), precision_matrix=Lambda).scale_tril
