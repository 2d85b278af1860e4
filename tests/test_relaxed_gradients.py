"""Relaxed estimators need a derivative of the log density by their draws: a program without one is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from tests.table import BACKENDS
from tests.test_estimators import one_hot_categorical
from tests.user_guides import library

X = np.array([-1.2, 0.3, 0.8, 2.1, 1.0, -0.4])
TABLE = np.array([-1.0, 1.0, 2.0])
RELAXED = ("gumbel_softmax", "straight_through", "straight_through_gumbel", "gumbel_softmax(kl='relaxed')")


def whole(z: Any) -> Any:
    """An array as integers, in either library."""
    return z.astype(int) if hasattr(z, "astype") else z.long()


USES = {  # of a draw (N, K) or (N,), and a table: the centre of a row
    "argmax": ("one_hot", lambda z, table: table[z.argmax(-1)]),
    "product": ("one_hot", lambda z, table: z @ table),
    "nothing": ("one_hot", lambda z, table: 0.5),
    "index": ("binary", lambda z, table: table[whole(z)]),
    "mixture": ("binary", lambda z, table: (1 - z) * table[0] + z * table[1]),
}


def fit(backend: str, use: str, gradient: Any, through_latent: bool = False, **options: Any) -> inference.Fit:
    """A few steps of SVI on a program that has a class of each row; or a normal latent of the row in between."""
    at, (kind, centre) = library(backend), USES[use]
    dist, table = at.dist, at.array(TABLE)

    def of(logits):
        return (
            one_hot_categorical(at.lib)(logits=logits) if kind == "one_hot" else dist.Bernoulli(logits=logits[..., 0])
        )

    def program(x):
        with at.lib.plate("rows", len(x)):
            loc = centre(at.lib.sample("z", of(at.zeros(3))), table)
            if through_latent:
                loc = at.lib.sample("m", dist.Normal(loc, 1.0))
            at.lib.sample("x", dist.Normal(loc, 1.0), obs=x)

    def guide(x):
        logits, loc = at.lib.param("logits", at.zeros((len(x), 3))), at.lib.param("loc", at.zeros(len(x)))
        with at.lib.plate("rows", len(x)):
            at.lib.sample("z", of(logits))
            if through_latent:
                at.lib.sample("m", dist.Normal(loc, 1.0))

    model = zoo.Model(program, backend=backend)
    return inference.fit(model, X, engine="svi", guide=guide, gradient=gradient, num_steps=2, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("gradient", RELAXED)
@pytest.mark.parametrize("use", ["argmax", "index"])
def test_an_integer_made_of_the_draw_is_refused(use, gradient, backend):
    message = rf"^{gradient.split('(')[0]} of z learns by the derivative .* is 0 .*: take rloo, .*z @ table$"
    with pytest.raises(zoo.ZooError, match=message) as caught:
        fit(backend, use, gradient)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "options", [{"through_latent": True}, {"num_particles": 3}, {"objective": "iwae", "num_particles": 2}]
)
def test_so_it_is_before_a_later_latent_and_with_more_draws(options, backend):
    with pytest.raises(zoo.ZooError, match="straight_through of z learns by the derivative"):
        fit(backend, "argmax", {"z": "straight_through"}, **options)


TRAINED = ("product", "mixture", "nothing")
COMPILED = [pytest.param("numpyro", RELAXED[0], use, marks=pytest.mark.slow) for use in TRAINED]


@pytest.mark.parametrize(("backend", "gradient", "use"), [*product(("pyro",), RELAXED, TRAINED), *COMPILED])
def test_a_product_trains_and_so_does_a_site_on_which_nothing_depends(use, gradient, backend):
    trained = fit(backend, use, gradient)
    moved = np.abs(trained.state["logits"]).max()
    assert moved > 1e-4 or use == "nothing"


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_advised_trains(backend):
    for use, gradient in (("argmax", "rloo"), ("index", "disarm")):
        trained = fit(backend, use, gradient, num_particles=2)
        assert np.abs(trained.state["logits"]).max() > 1e-4
