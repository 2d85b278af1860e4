"""The No-U-Turn sampler: draws from the posterior itself, given time (Hoffman and Gelman 2014; Betancourt 2017).

Discrete latents are summed out exactly, so the chains move through the other latents alone, and continuous latents of
the rows are integrated out where the model has a program ``collapsed``. Step size and a diagonal mass matrix are
adapted during warm-up, in coordinates that the density near each chain's start makes free of units. Chains run side by
side on the cores, each from a start of its own: k-means++ labels of another seed where a mixture is recognised, other
axes where factors are, so that they differ in the order of labels and in the rotation too.
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
        """NUTS needs gradients: discrete latents must be such as can be summed out, and some latent continuous."""
        return without_prior(card) or without_gradients(card)


ENGINE = NUTS()
