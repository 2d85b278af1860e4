"""Hidden Markov models as users write them, by ``scan`` in NumPyro and ``markov`` in Pyro: the same ones in both.

Each program takes the values of all sequences, (N, T), their lengths, (N,), and a covariate of the steps, (T,).
"""

import numpy as np

N, T, K, L = 2, 3, 2, 3
LENGTHS = np.array([3, 2])
RNG = np.random.default_rng(3)
Y = RNG.normal(size=(N, T))
BITS = (Y > 0).astype(float)
COVARIATE = RNG.normal(size=T)

# program: whether its values are 0 or 1, and the number of values of each discrete site
PROGRAMS = {
    "first_order": (False, {"x": K}),
    "lagged_values": (True, {"x": K}),
    "factorial": (False, {"w": K, "x": L}),
    "dependent_chains": (False, {"w": K, "x": L}),
    "second_order": (False, {"x": K}),
    "mixture_in_states": (False, {"x": K, "m": L}),
    "mixture_of_transitions": (False, {"m": K, "x": L}),
    "covariates": (False, {"x": K}),
    "emission_of_two_states": (False, {"x": K}),
}
VALUES = {  # of the continuous latents
    "pi": RNG.dirichlet(np.ones(K)),
    "A": RNG.dirichlet(np.ones(K), K),
    "B": RNG.dirichlet(np.ones(L), L),
    "C": RNG.dirichlet(np.ones(L), (K, L)),
    "S": RNG.dirichlet(np.ones(K), (K, K)),
    "v": RNG.dirichlet(np.ones(L), K),
    "mu": RNG.normal(size=K),
    "nu": RNG.normal(size=L),
    "M": RNG.normal(size=(K, K)),
    "p": RNG.uniform(size=(K, 2)),
    "b": RNG.normal(size=(K, K)),
}
LATENTS = {
    "first_order": ("A", "mu"),
    "lagged_values": ("A", "p"),
    "factorial": ("A", "B", "mu", "nu"),
    "dependent_chains": ("A", "C", "mu", "nu"),
    "second_order": ("S", "mu"),
    "mixture_in_states": ("A", "v", "nu"),
    "mixture_of_transitions": ("pi", "C", "nu"),
    "covariates": ("b", "mu"),
    "emission_of_two_states": ("A", "M"),
}
