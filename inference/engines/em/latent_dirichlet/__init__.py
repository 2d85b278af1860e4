"""Variational EM for latent Dirichlet allocation: q(phi_k) = Dirichlet(lambda_k), q(theta_n) = Dirichlet(gamma_n).

The posterior of a document's topics has no closed form, so the E-step is the best of a family: a fixed point of gamma
for each document (Blei, Ng and Jordan 2003). The M-step is lambda = eta + the expected counts of each word in each
topic (Hoffman, Blei and Bach 2010). What climbs, the trace, is the whole evidence lower bound in nats, constants and
all: a lower bound of log p(w | alpha, eta), where w is one sequence of tokens for each document (no multinomial
coefficient), and phi, theta and z are integrated out. ``params["phi"]`` is the mean of q(phi); ``state`` has lambda
(K, V), gamma and the mean theta (N, K), and ``start=fit.state`` goes on from there.

Batch: gamma goes on from where the last pass left it, ``document_steps`` steps at a time, which cannot lower the bound.
From random topics this would be a poor climb, since documents settle in topics that mean nothing yet: it is preceded by
``opening`` passes in which each document begins afresh, from all topics alike. They are a part of the start, as k-means
is elsewhere, and the trace begins after them.

Online: ``num_passes`` passes over the documents in a random order, ``batch_size`` at a time; lambda moves to what the
batch asks for by rho_t = (tau0 + t)^-kappa, t = 1, 2, ... Only the words of a batch are touched, and documents are read
from where they are, so that the corpus may be a mapped file of any length. The trace has estimates of the bound, at
most twenty a pass. Where theta is no more than ``FEW`` numbers, a last pass by topics that stay gives it, and the bound
itself; where it is more, ask for the mixtures of the documents that you want.

The loops are numba's, on the CPU, for models of either backend: their lengths differ from document to document, which
compiled arrays do not allow. They calculate in 32 bits where that loses nothing, and add up in 64. No thread waits for
another, and sums are taken in the order of the documents: ``threads`` (None: one for each core) makes no difference to
a bit.
"""

from __future__ import annotations

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.em.latent_dirichlet.options import VariationalEMOptions as Options


def begin(request: FitRequest[Options], seed: int) -> dict[str, np.ndarray]:
    """Where other engines may begin: phi and theta after the best of a few openings."""
    from inference.engines.em.latent_dirichlet import running  # loads the kernels of numba

    return running.begin(request, seed)


def run(request: FitRequest[Options]) -> EngineResult:
    """Fit by variational EM."""
    from inference.engines.em.latent_dirichlet import running

    return running.run(request)
