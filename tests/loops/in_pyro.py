"""Each chain as Pyro's tutorial writes it: the loop within the plate, sequences that end masked."""

import torch
from pyro import markov, plate, sample
from pyro.distributions import Bernoulli, Beta, Categorical, Dirichlet, Normal
from pyro.poutine import mask

from tests.loops import K, L


def simplexes(name, *shape):
    return sample(name, Dirichlet(torch.ones(shape)).to_event(len(shape) - 1))


def normals(name, *shape):
    return sample(name, Normal(torch.zeros(shape), 1.0).to_event(len(shape)))


def first_order(y, lengths, covariate):
    A, mu = simplexes("A", K, K), normals("mu", K)
    with plate("sequences", len(y), dim=-1):
        x = 0
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                x = sample(f"x_{t}", Categorical(A[x]), infer={"enumerate": "parallel"})
                sample(f"y_{t}", Normal(mu[x], 1.0), obs=y[:, t])


def lagged_values(y, lengths, covariate):
    A, p = simplexes("A", K, K), sample("p", Beta(1.0, 1.0).expand([K, 2]).to_event(2))
    with plate("sequences", len(y), dim=-1):
        x, before = 0, torch.zeros(len(y), dtype=torch.long)
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                x = sample(f"x_{t}", Categorical(A[x]))
                before = sample(f"y_{t}", Bernoulli(p[x, before]), obs=y[:, t]).long()


def factorial(y, lengths, covariate):
    A, B, mu, nu = simplexes("A", K, K), simplexes("B", L, L), normals("mu", K), normals("nu", L)
    with plate("sequences", len(y), dim=-1):
        w, x = 0, 0
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                w = sample(f"w_{t}", Categorical(A[w]))
                x = sample(f"x_{t}", Categorical(B[x]))
                sample(f"y_{t}", Normal(mu[w] + nu[x], 1.0), obs=y[:, t])


def dependent_chains(y, lengths, covariate):
    A, C, mu, nu = simplexes("A", K, K), simplexes("C", K, L, L), normals("mu", K), normals("nu", L)
    with plate("sequences", len(y), dim=-1):
        w, x = 0, torch.tensor(0)
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                w = sample(f"w_{t}", Categorical(A[w]))
                x = sample(f"x_{t}", Categorical(C[w, x]))
                sample(f"y_{t}", Normal(mu[w] * nu[x], 1.0), obs=y[:, t])


def second_order(y, lengths, covariate):
    S, mu = simplexes("S", K, K, K), normals("mu", K)
    with plate("sequences", len(y), dim=-1):
        before, x = torch.tensor(0), torch.tensor(0)
        for t in markov(range(y.shape[1]), history=2):
            with mask(mask=t < lengths):
                before, x = x, sample(f"x_{t}", Categorical(S[before, x]))
                sample(f"y_{t}", Normal(mu[x], 1.0), obs=y[:, t])


def mixture_in_states(y, lengths, covariate):
    A, v, nu = simplexes("A", K, K), simplexes("v", K, L), normals("nu", L)
    with plate("sequences", len(y), dim=-1):
        x = 0
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                x = sample(f"x_{t}", Categorical(A[x]))
                m = sample(f"m_{t}", Categorical(v[x]))
                sample(f"y_{t}", Normal(nu[m], 1.0), obs=y[:, t])


def mixture_of_transitions(y, lengths, covariate):
    pi, C, nu = simplexes("pi", K), simplexes("C", K, L, L), normals("nu", L)
    with plate("sequences", len(y), dim=-1):
        x = torch.tensor(0)
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                m = sample(f"m_{t}", Categorical(pi))
                x = sample(f"x_{t}", Categorical(C[m, x]))
                sample(f"y_{t}", Normal(nu[x], 1.0), obs=y[:, t])


def covariates(y, lengths, covariate):
    b, mu = normals("b", K, K), normals("mu", K)
    with plate("sequences", len(y), dim=-1):
        x = 0
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                x = sample(f"x_{t}", Categorical(logits=b[x] * covariate[t]))
                sample(f"y_{t}", Normal(mu[x] + covariate[t], 1.0), obs=y[:, t])


def emission_of_two_states(y, lengths, covariate):
    A, M = simplexes("A", K, K), normals("M", K, K)
    with plate("sequences", len(y), dim=-1):
        before = torch.tensor(0)
        for t in markov(range(y.shape[1])):
            with mask(mask=t < lengths):
                x = sample(f"x_{t}", Categorical(A[before]))
                sample(f"y_{t}", Normal(M[before, x], 1.0), obs=y[:, t])
                before = x


def long_history(y):
    A, mu, x = simplexes("A", K, K), normals("mu", K), 0
    for t in markov(range(len(y)), history=4):
        x = sample(f"x_{t}", Categorical(A[x]))
        sample(f"y_{t}", Normal(mu[x], 1.0), obs=y[t])


def emission_after_the_loop(y):
    A, mu, x = simplexes("A", K, K), normals("mu", K), 0
    for t in markov(range(len(y))):
        x = sample(f"x_{t}", Categorical(A[x]))
    sample("y", Normal(mu[x], 1.0), obs=y[0])


def not_broadcast(y):
    A, mu, x = simplexes("A", K, K), normals("mu", K), 0
    for t in markov(range(len(y))):
        x = sample(f"x_{t}", Categorical(A[x]))
        sample(f"y_{t}", Normal(mu[x].expand([1]), 1.0).to_event(1), obs=y[t : t + 1])


def number_of_values_changes(y):
    mu = normals("mu", L)
    for t in markov(range(len(y))):
        x = sample(f"x_{t}", Categorical(torch.ones(K if t == 0 else L)))
        sample(f"y_{t}", Normal(mu[x], 1.0), obs=y[t])
