"""Latent Dirichlet allocation: each document mixes K topics, each of which is a distribution over V words.

    phi_k   ~ Dirichlet(eta, ..., eta)       [K V]  the words of topic k
    theta_n ~ Dirichlet(alpha_1, ..alpha_K)  [N K]  the proportions of the topics in document n
    z_tn    ~ Categorical(theta_n)           [T N]  the topic of the token at position t
    w_tn    ~ Categorical(phi_z)             [T N]  its word

T is the length of the longest document; positions after the end of a shorter one are NaN. A corpus of word counts
is sufficient data, since the order of words has no effect: ``collapsed`` has z summed out over the counts,
w ~ sum_k theta_nk phi_kw, and its memory grows with their non-zeros. ``alpha`` is one number or K of them; below 1 a
document has few topics, and an ``eta`` below 1 gives topics of few words.
"""

import numpy as np

from zoo.cards import Card
from zoo.errors import ZooError


def check(keywords):
    """Raise ZooError for an alpha or an eta that is no parameter of a Dirichlet distribution."""
    details = {"alpha": f", or K={keywords['K']} of them", "eta": ""}
    for name, detail in details.items():
        value = np.asarray(keywords[name])
        shapes = ((), (keywords["K"],)) if detail else ((),)
        if value.dtype.kind not in "iuf" or value.shape not in shapes or not ((value > 0) & (value < np.inf)).all():
            raise ZooError(f"{name} is a number above 0{detail}; given {keywords[name]!r}")


def topics(params, settings):
    """The word probabilities phi of each topic, (K, V)."""
    return params["phi"]


CARD = Card(
    name="latent_dirichlet",
    title="Latent Dirichlet allocation",
    citation="Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003). Latent Dirichlet allocation. Journal of Machine "
    "Learning Research 3, 993-1022.",
    latents={"phi": "simplex [K V]", "theta": "simplex [N K]", "z": "category [T N]"},
    observed={"w": "word [T N]"},
    enumerated=("z",),
    sizes={"N": 6, "T": 5, "V": 7, "K": 2},
    check=check,
    topics=topics,
    missing=("w",),
    tags=("topics", "discrete", "text", "mixed membership"),
    shown_on="reuters",
)
