"""The KL divergence by group, a latent of the rows: free bits, and its balance while its weight rises.

    free bits   a group whose KL, in the mean over the rows of a batch, is at most ``free_bits`` nats counts that many
                nats, without a gradient: there is nothing to gain from less of it (Kingma et al. 2016)
    balance     the KL of group g has a weight proportional to KL_g / size_g, with mean 1 over the groups and without a
                gradient, so that groups that are hardly used are drawn least to the prior (Vahdat and Kautz 2020; the
                first author's code divides by the size of a group, where the paper says that it multiplies)

A group of size s is a latent with s numbers in each row. The KL of other latents counts as it is.
"""

from __future__ import annotations

from typing import Any

from inference.objectives import BoundTerms, Objective
from inference.objectives.bounds import Split
from zoo.types import BackendArray

SMALLEST = 1e-6  # nats for each number: added to the KL, so that groups without any have equal weights


def count_kl(objective: Objective, terms: BoundTerms, split: Split, fraction: BackendArray, functions: Any) -> Split:
    """The reconstruction and the KL as the objective counts it, for all N rows.

    split: the actual ones, of ``bounds.reconstruction_and_kl``. fraction: of training that is done. functions: the
    backend's ``inference.objectives.estimators.in_<backend>``.
    """
    reconstruction, kl = split
    by_group = kl_by_group(terms)
    weighted = with_free_bits(by_group, objective.free_bits, functions) if objective.free_bits else by_group
    if objective.kl_balance:
        weights = balance_weights(functions.detach(by_group), terms.group_sizes, functions)
        weighted = (1 + (fraction < objective.kl_balance) * (weights - 1)) * weighted
    N = terms.scale * terms.likelihood.shape[-1]
    return reconstruction, kl + N * (weighted - by_group).sum()


def kl_by_group(terms: BoundTerms) -> BackendArray:
    """(G,): the KL of each group in nats, in the mean over draws and rows."""
    kl = terms.kl_groups
    if terms.probability is not None:
        kl = (terms.probability[..., None] * kl).sum(-3)
    return kl.mean((0, 1))


def with_free_bits(kl: BackendArray, free_bits: float, functions: Any) -> BackendArray:
    """The KL of each group, but at least ``free_bits``, which has no gradient."""
    return functions.where(kl <= free_bits, free_bits, kl)


def balance_weights(kl: BackendArray, sizes: tuple[int, ...] | None, functions: Any) -> BackendArray:
    """The weight of each group's KL: proportional to that for each number of the group, with mean 1."""
    per_number = functions.stack([abs(k) / size + SMALLEST for k, size in zip(kl, sizes or (), strict=True)])
    return per_number / per_number.mean()
