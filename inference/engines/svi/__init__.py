"""Stochastic variational inference: fit a guide to the posterior by stochastic gradients of a lower bound.

Discrete latents are summed out exactly, so every guide over the other latents works with the plain ELBO (Hoffman et
al. 2013; Ranganath, Gerrish and Blei 2014). The trace is the bound estimated at each step, in nats: higher is better,
and it stays below the log evidence. Draws come from the guide at the end, each with log p - log q. What a program
learns, the weights of networks and all other ``param`` statements, is trained with the guide, by maximum likelihood.
"""

from __future__ import annotations

import guides
from inference.engines.contract import Engine
from inference.engines.options import EngineOptions
from inference.engines.svi.diagnostics import AmortisedDiagnostics, GuideDiagnostics, PointDiagnostics
from inference.engines.svi.options import SVIOptions
from inference.unconstrained import without_gradients
from zoo import Card


class SVI(Engine):
    """Stochastic variational inference with any guide."""

    name = "svi"
    options = SVIOptions
    diagnostics = (GuideDiagnostics, PointDiagnostics, AmortisedDiagnostics)
    order = 20
    redraws_intensities = True

    def refuses(self, card: Card, backend: str) -> str | None:
        """Refuse models without gradients, unless they have a guide of their own.

        Discrete latents must be such as can be summed out, and some latent must be continuous.
        """
        return None if guides.own_guide(card) else without_gradients(card)

    def refuses_options(self, card: Card, backend: str, options: EngineOptions) -> str | None:
        """As ``refuses``; a guide of the user's own may draw any latent."""
        return None if isinstance(options, SVIOptions) and callable(options.guide) else self.refuses(card, backend)

    def default_options(self, card: Card) -> SVIOptions:
        """The model's own guide where there is one, with smaller steps, or the options that the guide declares."""
        own = guides.own_guide(card)
        if own is None:
            return SVIOptions()
        return SVIOptions().replace({"guide": own, "learning_rate": 1e-3, **guides.options(own)}, self.name)


ENGINE = SVI()
