"""The No-U-Turn sampler: draws from the exact posterior (Hoffman and Gelman 2014; Betancourt 2017).

Discrete latents are summed out exactly, so the chains move in the other latents alone, and continuous latents of the
rows are integrated out where the model has a program ``collapsed``. Step size and a diagonal mass matrix are adapted
during warm-up, in coordinates scaled by the local curvature of the density at the start of each chain. Chains run in
parallel on the cores, each from its own start: k-means++ labels of another seed for a mixture, rotated axes for
factors, so that chains differ in the order of labels and in the rotation.
"""

from __future__ import annotations

from inference.engines import without_prior
from inference.engines.contract import Engine
from inference.engines.nuts.options import NUTSDiagnostics, NUTSOptions
from inference.unconstrained import without_gradients
from zoo import Card


class NUTS(Engine):
    """Hamiltonian Monte Carlo with the No-U-Turn criterion."""

    name = "nuts"
    options = NUTSOptions
    diagnostics = (NUTSDiagnostics,)
    order = 30

    def refuses(self, card: Card, backend: str) -> str | None:
        """Whether NUTS has gradients: discrete latents that can be summed out, and some continuous latent."""
        return without_prior(card) or without_gradients(card)


ENGINE = NUTS()
