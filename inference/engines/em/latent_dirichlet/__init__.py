"""Variational EM for latent Dirichlet allocation: q(phi_k) = Dirichlet(lambda_k), q(theta_n) = Dirichlet(gamma_n).

The posterior of a document's topic proportions has no closed form, so the E-step finds the best member of a family: a
fixed point of gamma for each document (Blei, Ng and Jordan 2003). The M-step is lambda = eta + the expected counts of
each word in each topic (Hoffman, Blei and Bach 2010). The objective, and the trace, is the complete evidence lower
bound in nats, constants included: a lower bound of log p(w | alpha, eta), where w is one sequence of tokens for each
document (no multinomial coefficient), and phi, theta and z are integrated out. ``params["phi"]`` is the mean of q(phi);
``state`` has lambda (K, V), gamma and the mean theta (N, K), and ``start=fit.state`` continues from there.

Batch: gamma continues from the previous pass, ``document_steps`` steps at a time, which cannot lower the bound. From
random topics this alone would reach poor maxima, since documents commit to topics that are not formed yet: it is
preceded by ``opening`` passes in which each document begins from uniform proportions. They are part of the start, as
k-means is for mixtures, and the trace begins after them.

Online: ``num_passes`` passes over the documents in a random order, ``batch_size`` at a time; lambda moves towards the
M-step of the batch by rho_t = (tau0 + t)^-kappa, t = 1, 2, ... Only the words of a batch are updated, and documents are
read from the corpus where it is, so that it may be a mapped file of any length. The trace has estimates of the bound,
at most twenty a pass. Where theta has no more than ``online.MOST_PROPORTIONS`` numbers, a last pass with fixed topics
computes it, and the bound; where it has more, use ``inference.topics.mixtures`` for the documents of interest.

The loops are compiled by numba for the CPU, for models of either backend: their lengths differ from document to
document, which compiled arrays do not allow. They compute in 32 bits where that is accurate, and sum in 64. Threads do
not wait for each other, and sums are in the order of the documents: the result does not depend on ``threads``.
"""

from __future__ import annotations

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.em.latent_dirichlet.options import VariationalEMOptions as Options
from inference.engines.em.latent_dirichlet.options import prepare_options
from inference.run.workers import WorkerPool, num_workers

KIND = "variational"


def initial_values(request: FitRequest[Options], seed: int) -> dict[str, np.ndarray]:
    """phi and theta at which other engines begin: after the best of a few openings."""
    from inference.engines.em.latent_dirichlet.batch import best_opening  # loads the kernels of numba

    with WorkerPool(num_workers(request.rows)) as pool:
        return best_opening(request, seed, pool)


def run(request: FitRequest[Options]) -> EngineResult:
    """Fit by variational EM."""
    from inference.engines.em.latent_dirichlet.batch import run_batch
    from inference.engines.em.latent_dirichlet.online import run_online

    options = prepare_options(request)
    with WorkerPool(num_workers(request.rows, options.threads)) as pool:
        return (run_online if options.online else run_batch)(request, options, pool)
