"""Latent class analysis: each respondent belongs to one of K classes, which decides the answers to J yes-or-no items.

    pi       ~ Dirichlet(1, ..., 1)     [K]    sizes of the classes
    theta_kj ~ Beta(a, b)               [K J]  chance that class k answers yes to item j
    z_n      ~ Categorical(pi)          [N]    the class of respondent n
    x_nj     ~ Bernoulli(theta_zj)      [N J]  the answer, 0 or 1

A missing answer (NaN) is left out of the likelihood, which is exact where answers are
missing at random.
"""

import numpy as np

from zoo.cards import Card
from zoo.items import Items


def items(params, settings):
    """The probabilities of no and yes to each item in each class."""
    theta = np.asarray(params["theta"])
    none = np.full(theta.shape, np.nan)
    return Items(none, none, {j: np.stack([1 - p, p], -1) for j, p in enumerate(np.moveaxis(theta, -1, 0))})


CARD = Card(
    name="latent_class",
    title="Latent class analysis",
    citation="Lazarsfeld, P. F. and Henry, N. W. (1968). Latent Structure Analysis. Houghton Mifflin.",
    latents={"pi": "simplex [K]", "theta": "unit [K J]", "z": "category [N]"},
    observed={"x": "binary [N J]"},
    enumerated=("z",),
    items=items,
    sizes={"N": 80, "J": 5, "K": 2},
    missing=("x",),
    exact=("enumeration", "posterior"),
    tags=("mixture", "discrete", "missing data"),
    shown_on="bfi_agree",
)
