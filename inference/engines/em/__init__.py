"""EM: maximum likelihood or MAP of the global latents, the discrete ones summed out.

The E-step is the posterior of every discrete site given the data, exact for any program whose discrete sites can
list their values: the gradient of the enumerated log marginal with respect to zeros added to the log-densities.
The M-step ascends the expected complete-data log joint: in closed form for models that have a folder here
(``gaussian_mixture`` and its like; factor models, whose continuous latents have an exact posterior too), by
quasi-Newton steps for every other program (Dempster, Laird and Rubin 1977; Neal and Hinton 1998). The objective after
each iteration is the trace; it never falls beyond rounding, or EM raises.

Options: ``max_iter``; ``tol``, the gain in nats per row below which EM stops; ``restarts``, how many k-means++ starts
(the best is kept); ``objective``, "ml" or "map" (the mode of the density of the latents as they stand on the card);
``sample_weight`` (N,), where weight 2 counts a row twice; ``covariance_floor``, the smallest eigenvalue a component's
covariance (or the noise of a factor model) may have, where the data has columns of variance one (None: what reaches
1e-9, or 1e-7 for noise, is an error unless the likelihood has a maximum there);
``start``, a dict of parameters to begin from; ``closed_form``, False for the general M-step.

Where no posterior is to be had, but a family that comes near it, EM climbs a lower bound of the likelihood instead:
variational EM, in a folder of the model's own (``latent_dirichlet``), with options of its own.
"""

from __future__ import annotations

from inference.engines import without_prior
from inference.engines.em import closed_form
from zoo import Card

OPTIONS = {
    "max_iter": 1000,
    "tol": 1e-8,
    "restarts": 1,
    "objective": "ml",
    "sample_weight": None,
    "covariance_floor": None,
    "start": None,
    "closed_form": True,
}


def refuses(card: Card, backend: str) -> str | None:
    """EM wants every local latent discrete, or its integral done: the program ``collapsed``."""
    if closed_form.variational(card):
        return None
    if without_prior(card):
        return without_prior(card)
    continuous = [n for n in card.local() if n not in card.enumerated]
    if continuous and "marginal" not in card.exact:
        return f"{', '.join(continuous)} is a continuous latent of each row, and EM sums over discrete ones"
    return None


def defaults(card: Card) -> dict[str, object]:
    """Maximum likelihood cannot tell what the likelihood does not depend on: there the default is MAP."""
    variational = closed_form.variational(card)
    if variational:
        return variational.OPTIONS
    return {"objective": "map"} if card.hyper else {}
