"""EM: maximum likelihood or MAP of the global latents, the discrete ones summed out.

The E-step is the posterior of every discrete site given the data, exact for any program whose discrete sites can
list their values: the gradient of the enumerated log marginal with respect to zeros added to the log-densities.
The M-step ascends the expected complete-data log joint: in closed form for models that have a folder here
(``gaussian_mixture`` and its like; factor models, whose continuous latents have an exact posterior too), by
quasi-Newton steps for every other program (Dempster, Laird and Rubin 1977; Neal and Hinton 1998). The objective after
each iteration is the trace; it never falls beyond rounding, or EM raises.

Where no posterior is to be had, but a family that comes near it, EM climbs a lower bound of the likelihood instead:
variational EM, in a folder of the model's own (``latent_dirichlet``), with options of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.engines import without_prior
from inference.engines.contract import Engine
from inference.engines.em import closed_form
from inference.engines.em.diagnostics import EMDiagnostics, VariationalEMDiagnostics
from inference.engines.em.options import EMOptions
from inference.engines.options import EngineOptions
from zoo import Card, ZooError


class EM(Engine):
    """Expectation maximisation, exact or variational."""

    name = "em"
    options = EMOptions
    diagnostics = (EMDiagnostics, VariationalEMDiagnostics)
    order = 10

    def refuses(self, card: Card, backend: str) -> str | None:
        """EM wants every local latent discrete, or its integral done: the program ``collapsed``."""
        if closed_form.variational_form(card):
            return None
        if without_prior(card):
            return without_prior(card)
        continuous = [n for n in card.local() if n not in card.enumerated]
        if continuous and "marginal" not in card.exact:
            return f"{', '.join(continuous)} is a continuous latent of each row, and EM sums over discrete ones"
        return None

    def default_options(self, card: Card) -> EngineOptions:
        """Maximum likelihood cannot determine what the likelihood does not depend on: there the default is MAP."""
        variational = closed_form.variational_form(card)
        if variational:
            return variational.Options()
        return EMOptions(objective="map") if card.hyper else EMOptions()

    def make_options(self, given: Mapping[str, Any], card: Card) -> EngineOptions:
        default = self.default_options(card)
        foreign = [n for n in given if n in EMOptions.names() and n not in default.names()]
        if foreign:
            raise ZooError(f"{', '.join(foreign)} is an option of exact EM, and {card.name} has a bound: leave it out")
        return super().make_options(given, card)


ENGINE = EM()
