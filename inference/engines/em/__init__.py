"""EM: maximum likelihood or MAP of the global latents, with the discrete latents summed out.

The E-step is the posterior of every discrete site given the data, exact for any program whose discrete sites have
finite support: the gradient of the enumerated log marginal with respect to zeros added to the log-densities. The M-step
maximises the expected complete-data log joint: in closed form for models that have a hook (``closed_form``), by
quasi-Newton steps for every other program (Dempster, Laird and Rubin 1977; Neal and Hinton 1998). The objective after
each iteration is the trace; EM raises ArithmeticError if it falls by more than rounding.

Where the E-step has no closed form, a model may have variational EM of its own, which maximises a lower bound of the
likelihood and has its own options (``latent_dirichlet``).

Every implementation fulfils ``algorithm.EMAlgorithm``, which ``iteration`` runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from inference.engines import without_prior
from inference.engines.contract import Engine
from inference.engines.em import closed_form
from inference.engines.em.diagnostics import EMDiagnostics, VariationalEMDiagnostics
from inference.engines.em.options import EMOptions
from inference.engines.options import EngineOptions
from inference.unconstrained import without_finite_sums
from zoo import Card, ZooError


class EM(Engine):
    """Expectation maximisation, exact or variational."""

    name = "em"
    options = EMOptions
    diagnostics = (EMDiagnostics, VariationalEMDiagnostics)
    order = 10

    def refuses(self, card: Card, backend: str) -> str | None:
        """EM needs every local latent to be discrete with finite support, or integrated out in ``collapsed``."""
        if closed_form.variational_form(card):
            return None
        if without_finite_sums(card):
            return without_finite_sums(card)
        if without_prior(card) and not (card.is_own and not card.networks):
            return without_prior(card)
        continuous = card.continuous_in_rows()
        if continuous and "marginal" not in card.exact:
            return f"{', '.join(continuous)} is a continuous latent of each row, and EM sums over discrete ones"
        return None

    def default_options(self, card: Card) -> EngineOptions:
        """MAP is the default where the likelihood does not depend on a hyperparameter, else maximum likelihood."""
        variational = closed_form.variational_form(card)
        if variational:
            return variational.Options()
        return EMOptions(objective="map") if card.hyper else EMOptions()

    def make_options(self, given: Mapping[str, object], card: Card) -> EngineOptions:
        default = self.default_options(card)
        foreign = [n for n in given if n in EMOptions.names() and n not in default.names()]
        if foreign:
            raise ZooError(f"{', '.join(foreign)} is an option of exact EM, and {card.name} has a bound: leave it out")
        return super().make_options(given, card)


ENGINE = EM()
