"""Codes of a VQ-VAE, and how its codebook is used over all rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.amortised import AmortisedPosterior
from inference.analysis.latents.inputs import pixel_site, read_rows
from inference.record import FitRecord
from zoo.errors import ZooError
from zoo.types import DataLike
from zoo.vq_vae import scalar_grid

CHUNK_ROWS = 1024  # of which the probabilities of every code are in memory at a time
BOUND_DRAWS = 2  # the fewest with a standard deviation: a point has the same terms at every draw


@dataclass(frozen=True)
class CodebookUse:
    """How a codebook is used by rows of data, and what their codes cost.

    Attributes
    ----------
    counts : ndarray
        Positions of all rows with each codeword, (K,).
    reconstruction, rate : float
        log p(x | z) and -log p(z) in nats per row: the mean over rows.
    pixels : float
        Observed pixels of a row: the mean over rows.
    """

    counts: np.ndarray
    reconstruction: float
    rate: float
    pixels: float

    @property
    def usage(self) -> float:
        """The fraction of the codewords that some position has."""
        return float((self.counts > 0).mean())

    @property
    def perplexity(self) -> float:
        """The exponential of the entropy of the codewords' frequencies: K where all are equally frequent."""
        frequency = self.counts[self.counts > 0] / self.counts.sum()
        return float(np.exp(-(frequency * np.log(frequency)).sum()))

    @property
    def bound(self) -> float:
        """The lower bound on log p(x) in nats per row: reconstruction less rate."""
        return self.reconstruction - self.rate

    @property
    def bits_per_dimension(self) -> dict[str, float]:
        """Bits per observed pixel of ``reconstruction``, of ``rate``, and of both together, ``total``."""
        unit = self.pixels * np.log(2)
        distortion, rate = -self.reconstruction / unit, self.rate / unit
        return {"reconstruction": distortion, "rate": rate, "total": distortion + rate}

    def __str__(self) -> str:
        K, bits = len(self.counts), self.bits_per_dimension
        return "\n".join(
            (
                f"codebook        {(self.counts > 0).sum()} of {K} codewords used ({self.usage:.0%}), "
                f"perplexity {self.perplexity:.1f}",
                f"reconstruction  {self.reconstruction:9.2f} nats per row  {bits['reconstruction']:.4f} bits per pixel",
                f"rate            {self.rate:9.2f} nats per row  {bits['rate']:.4f} bits per pixel",
                f"bound           {self.bound:9.2f} nats per row  {bits['total']:.4f} bits per pixel",
            )
        )


def codes(fit: FitRecord, data: DataLike = None) -> np.ndarray:
    """The most probable code of each row, by the encoder.

    Parameters
    ----------
    fit : Fit
        Fit of a model whose codes are vectors of categories, as ``vq_vae`` and ``categorical_vae``.
    data : optional
        Rows: a table, an array (N, D) or (D,), or the number of a row of the fit's data; by default the fit's data.

    Returns
    -------
    numpy.ndarray
        Whole numbers, (N, M).

    Raises
    ------
    ZooError
        If the fit has no such codes, or the data do not fit the model.
    """
    return _codes_of_table(AmortisedPosterior(fit), _code_site(fit), read_rows(fit, data))


def codebook(fit: FitRecord, data: DataLike = None) -> CodebookUse:
    """How the codebook is used over all rows, with reconstruction and rate.

    Usage and perplexity are those of all rows together: within a batch they would depend on its size.

    Parameters
    ----------
    fit : Fit
        Fit of ``vq_vae``.
    data : optional
        As in ``codes``.

    Returns
    -------
    CodebookUse

    Raises
    ------
    ZooError
        If the fit has no codebook, or the data do not fit the model.

    References
    ----------
    van den Oord, A., Vinyals, O. and Kavukcuoglu, K. (2017). Neural discrete representation learning. NeurIPS 30.
    """
    K = len(codewords(fit))
    posterior, table = AmortisedPosterior(fit), read_rows(fit, data)
    z = _codes_of_table(posterior, _code_site(fit), table)
    counts = np.bincount(z.ravel(), minlength=K)
    terms = posterior.elbo_terms(table, BOUND_DRAWS, seed=fit.seed)
    (kl,) = terms.kl.values()
    pixels = (~np.isnan(table[pixel_site(fit)])).sum(1).mean()
    return CodebookUse(counts, float(terms.likelihood.mean()), float(kl.mean()), float(pixels))


def codewords(fit: FitRecord) -> np.ndarray:
    """The codewords of a fit of ``vq_vae``, (K, Z); raises ZooError for a model without a codebook."""
    if "codebook" not in fit.model.card.networks:
        raise ZooError(f"{fit.model.name} has no codebook: only vq_vae has one")
    return fit.params["codebook"] if "codebook" in fit.params else scalar_grid(fit.keywords["K"], fit.keywords["Z"])


def _code_site(fit: FitRecord) -> str:
    """The latent that is a vector of categories for each row; raises ZooError where there is none."""
    sites = fit.model.card.sites(fit.keywords)
    vectors = (("category", ("N", "M")), ("one_hot", ("N", "M", "K")))
    names = [n for n in fit.model.card.sampled if (sites[n].kind, sites[n].dims) in vectors]
    if len(names) != 1:
        raise ZooError(f"the rows of {fit.model.name} have no categories at M positions: vq_vae has such codes")
    return names[0]


def _codes_of_table(posterior: AmortisedPosterior, site: str, table: dict[str, np.ndarray]) -> np.ndarray:
    N = len(next(iter(table.values())))
    chunks = [{n: v[i : i + CHUNK_ROWS] for n, v in table.items()} for i in range(0, N, CHUNK_ROWS)]
    return np.concatenate([posterior.encode(chunk)[site].argmax(-1) for chunk in chunks])
