"""Pathfinder: normal approximations along paths of quasi-Newton optimisation.

Zhang, Carpenter, Gelman and Vehtari (2022), "Pathfinder: parallel quasi-Newton variational inference".
Each path ascends the log density by L-BFGS from a start of its own. At each point of it the history of gradients gives
the covariance of a normal approximation; the point whose approximation has the highest ELBO is kept, which lies before
the mode where the mode is not typical of the posterior. The fit has draws of the mixture of the paths' approximations,
with proportions by importance sampling, and log p - log q of each, so that it is judged as a guide is.

``normals`` has the approximations, ``paths`` the ascent and the mixture, in NumPy; each ``in_<backend>.py`` has
``run(request)``.
"""

from __future__ import annotations

from inference.engines import without_prior
from inference.engines.contract import Engine
from inference.engines.pathfinder.options import PathfinderDiagnostics, PathfinderOptions
from inference.unconstrained import without_gradients
from zoo import Card


class Pathfinder(Engine):
    """Multi-path Pathfinder."""

    name = "pathfinder"
    options = PathfinderOptions
    diagnostics = (PathfinderDiagnostics,)
    order = 50

    def refuses(self, card: Card, backend: str) -> str | None:
        """Whether there are gradients: discrete latents that can be summed out, and some continuous latent."""
        return without_prior(card) or without_gradients(card)


ENGINE = Pathfinder()
