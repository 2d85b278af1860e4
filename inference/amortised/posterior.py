"""The posterior of each row by the encoder of a fit: codes, decoded values and the terms of the ELBO."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np

import guides
from inference.amortised.blocks import Table, count_rows, join_blocks, split_rows, take_normals
from inference.amortised.kernels import AmortisedKernels
from inference.amortised.records import Code, ElboTerms, Normals
from inference.draws_model import check_program
from inference.record import FitRecord
from zoo import ZooError
from zoo._backend import Backend, backend_of, in_backend
from zoo.cards import Card
from zoo.data.corpus import Corpus
from zoo.sites import Site
from zoo.types import DataLike, Keywords, Program

BLOCK_ROWS = 128  # at most
# numbers in memory at a time, over draws, rows and values of the discrete latents; of observed values and of latents
# of a row, those that are more: a hierarchy over grids has a hundred latents per pixel
CPU_NUMBERS = 1 << 22
GPU_NUMBERS = 1 << 26

T = TypeVar("T")


class AmortisedPosterior:
    """The encoder and the decoder of a fit, at ``fit.state``.

    Methods take and return NumPy arrays and compute in the fit's dtype on its device, or on the CPU where there is no
    such device. A table is ``{site: (N, ...)}`` as the program takes it: see ``table``. Seeds determine the results.

    Parameters
    ----------
    fit : FitRecord
        A fit by svi with a guide that reads the rows.

    Raises
    ------
    ZooError
        Where the guide does not read the rows, or the rows share latents.
    """

    def __init__(self, fit: FitRecord):
        check_program(fit.model)
        self.fit, self.card, self.backend = fit, fit.model.card, backend_of(fit.model)
        guide, backend_module = guide_of(fit), in_backend("inference.amortised", fit.model.backend)
        self.keywords = {k: v for k, v in fit.keywords.items() if k != "N"}
        self.sites = self.card.sites(fit.keywords)
        self.device = available_device(self.backend, fit)
        with self.runtime():
            self.kernels: AmortisedKernels = backend_module.AmortisedKernels(
                fit.model.program, guide, self.keywords, fit.state
            )

    def table(self, data: DataLike = None, seed: int | None = None) -> dict[str, np.ndarray]:
        """Data checked against the card, as arrays by site.

        Parameters
        ----------
        data : optional
            As ``inference.fit`` takes it; the data of the fit unless given. Of ``Intensities`` one draw is taken.
        seed : int, optional
            Of that draw; the seed of the fit unless given.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        ZooError
            For data the model cannot take: labels beyond the classes, and pixels and codes beyond the levels, among
            them.
        """
        data = self.fit.data if data is None else data
        table, _ = self.fit.fitted_model.bind(data, self.fit.seed if seed is None else seed)
        table = {n: v.raw if isinstance(v, Corpus) else v for n, v in table.items()}
        levels = self.keywords.get(self.card.levels)
        for name, values in table.items():
            if levels and self.sites[name].kind == "count" and (values >= levels).any():
                raise ZooError(f"levels={levels} but {name} has a pixel of {np.nanmax(values):g}: it cannot be more")
        return table

    def encode(self, table: Table) -> dict[str, Any]:
        """The guide's distribution of each local latent.

        Latents that depend on others are given at the mean, or most probable value, of those others.

        Parameters
        ----------
        table : dict of str to ndarray
            As of ``table``.

        Returns
        -------
        dict of str to Code or ndarray
            Of a continuous latent its ``Code``; of a discrete one its probabilities, (N, C), or (N, ..., C).

        Raises
        ------
        ZooError
            For a continuous latent that is not normal, and for a row whose code exceeds the fit's dtype.
        """

        def compute(block: Table, *_: object) -> dict[str, Code | np.ndarray]:
            with self.runtime():
                return self.kernels.encode(block)

        codes = self._in_blocks(table, BLOCK_ROWS, compute)
        for name, code in codes.items():
            for values in code if isinstance(code, Code) else (code,):
                is_finite = np.isfinite(values).reshape(len(values), -1).all(1)
                if not is_finite.all():
                    row = f"row {is_finite.argmin()} is so far away that its {name} exceeds {values.dtype}"
                    raise ZooError(f"{row}: drop or correct it")
        return codes

    def decode(self, latents: Table, seed: int | None = None) -> dict[str, np.ndarray]:
        """The mean of each observed site given the local latents.

        Parameters
        ----------
        latents : dict of str to ndarray
            Every local latent, as ``{"z": (N, Z)}``; whole numbers, or one-hot vectors, for discrete ones.
        seed : int, optional
            Where it is given, a draw of the rows instead of their mean.

        Returns
        -------
        dict of str to ndarray
            As ``{"x": (N, D)}``; the mean of a label is its probabilities.

        Raises
        ------
        ZooError
            For latents other than the program's, or of another shape.
        """
        table, rng = self._check_latents(latents), np.random.default_rng(seed)

        def compute(block: Table, *_: object) -> dict[str, np.ndarray]:
            with self.runtime():
                return self.kernels.decode(block, None if seed is None else draw_seed(rng))

        return self._in_blocks(table, BLOCK_ROWS, compute)

    def draw_prior(
        self, latents: Table, count: int, temperature: float, seed: int, fixed: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Every latent of the rows: those given, and the others from their priors given these.

        Parameters
        ----------
        latents : dict of str to ndarray
            Some latents of the rows, (count, ...) each.
        count : int
            Number of rows.
        temperature : float
            Factor of the standard deviation of each prior; 0 for the mean, or the most probable value.
        seed : int
            Of the draws.
        fixed : collection of str, optional
            Which of ``latents`` keep their values; by default all.

        Returns
        -------
        dict of str to ndarray
            (count, ...) each.

        Raises
        ------
        ZooError
            For a prior other than normal, unless the temperature is 1 or 0.
        """
        rng, lines = np.random.default_rng(seed), local_latents(self.card, self.keywords)
        table = {n: np.asarray(v).astype(int if lines[n].kind == "category" else float) for n, v in latents.items()}
        flags = {} if fixed is None else {n: np.array(n in fixed) for n in table}
        names = tuple(n for n in lines if n not in table or n in flags)

        def compute(block: Table, *_: object) -> dict[str, np.ndarray]:
            values = {n: v for n, v in block.items() if n in lines}
            constant, codes = (
                {n: v for n, v in values.items() if (n in flags) == is_code} for is_code in (False, True)
            )
            with self.runtime():
                return self.kernels.draw_prior(
                    constant, names, codes, flags, count_rows(block), temperature, draw_seed(rng)
                )

        others = self._in_blocks({"": np.arange(count), **table}, BLOCK_ROWS, compute) if names else {}
        return {n: others[n] if n in others else table[n] for n in lines}

    def log_weights(
        self, table: Table, num_samples: int, seed: int, normals: Normals | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Log importance weights log p(x, z_k) / q(z_k | x) in nats, summed over discrete latents, block by block.

        Parameters
        ----------
        table : dict of str to ndarray
            As of ``table``.
        num_samples : int
            Draws of each row.
        seed : int
            Of the draws.
        normals : dict, optional
            Normals to draw from in place of the guide's, as of ``refine``.

        Yields
        ------
        tuple of slice and ndarray
            Rows, and the weights of some of their draws, (K, B).
        """
        rng, N = np.random.default_rng(seed), count_rows(table)
        size = min(BLOCK_ROWS, N)
        calls = -(-num_samples // max(1, self.capacity // size))
        K = -(-num_samples // calls)
        for rows, block in split_rows(table, size):
            for remaining in range(num_samples, 0, -K):
                with self.runtime():
                    weights = self.kernels.log_weights(block, K, draw_seed(rng), take_normals(normals, rows, size))
                yield rows, weights[:remaining, : rows.stop - rows.start]

    def elbo_terms(self, table: Table, num_samples: int, seed: int, normals: Normals | None = None) -> ElboTerms:
        """The terms of the ELBO of each row.

        Parameters
        ----------
        table, num_samples, seed, normals
            As in ``log_weights``.

        Returns
        -------
        ElboTerms
        """
        rng = np.random.default_rng(seed)

        def compute(block: Table, rows: slice, size: int) -> ElboTerms:
            with self.runtime():
                return self.kernels.elbo_terms(block, num_samples, draw_seed(rng), take_normals(normals, rows, size))

        return self._in_blocks(table, self._rows_for(num_samples), compute, axis=1)

    def refine(self, table: Table, steps: int, num_samples: int, seed: int) -> Normals:
        """Normals optimised for each row, from those of the guide on.

        Mean and log sd of each number, for each value of the discrete latents, maximise the ELBO of their own row by
        Adam, whose rate falls to 0; learned parameters stay as they are.

        Parameters
        ----------
        table : dict of str to ndarray
            As of ``table``.
        steps : int
            Steps of Adam.
        num_samples : int
            New draws of each row in each step.
        seed : int
            Of the draws.

        Returns
        -------
        dict of str to tuple of ndarray
            ``{site: (mean, sd)}``, (E, N, ...) each.

        Raises
        ------
        ZooError
            For a continuous latent that is not normal.
        """
        rng = np.random.default_rng(seed)

        def compute(block: Table, *_: object) -> Normals:
            with self.runtime():
                return self.kernels.refine(block, steps, num_samples, draw_seed(rng))

        return self._in_blocks(table, self._rows_for(num_samples), compute, axis=1)

    def runtime(self) -> AbstractContextManager[None]:
        """The context in which the kernels run: the fit's dtype and the device."""
        return self.backend.runtime(self.fit.dtype, self.device)

    @property
    def capacity(self) -> int:
        """Rows times draws that fit into memory."""
        sizes = {**self.keywords, "N": 1}
        latents = local_latents(self.card, self.keywords)
        row = max(
            sum(int(np.prod(self.sites[n].shape(sizes))) for n in names) for names in (self.card.observed, latents)
        )
        values = int(sizes.get(self.card.classes, 1)) ** len(self.card.enumerated)
        return max(1, (CPU_NUMBERS if self.device == "cpu" else GPU_NUMBERS) // (row * values))

    def _in_blocks(self, table: Table, size: int, compute: Callable[[Table, slice, int], T], axis: int = 0) -> T:
        """The joined results of ``compute(block, rows, size)``; rows are along an axis of the results."""
        N = count_rows(table)
        size = min(size, 1 << (N - 1).bit_length())  # few sizes, for NumPyro compiles each
        return join_blocks([compute(block, rows, size) for rows, block in split_rows(table, size)], N, axis)

    def _rows_for(self, num_samples: int) -> int:
        """The rows of a block, of which each has ``num_samples`` draws."""
        return int(np.clip(self.capacity // num_samples, 1, BLOCK_ROWS))

    def _check_latents(self, latents: Table) -> dict[str, np.ndarray]:
        """Local latents, by site, as the program takes them; raises ZooError for others, or of another shape."""
        lines = local_latents(self.card, self.keywords)
        if set(latents) != set(lines):
            raise ZooError(
                f"{self.card.name} decodes {', '.join(lines)}; given {', '.join(map(str, latents)) or 'nothing'}"
            )
        N, table = count_rows(latents), {}
        for name, line in lines.items():
            value, shape = np.asarray(latents[name]), line.shape({**self.keywords, "N": N})
            if value.shape != shape:
                raise ZooError(f"{name} is {line}, of shape {shape} here; given {value.shape}")
            table[name] = value.astype(int if line.kind == "category" else float)
        return table


def latents_outside_rows(fit: FitRecord) -> list[str]:
    """The latents of a fit that rows share, which an encoder does not describe.

    Parameters
    ----------
    fit : FitRecord

    Returns
    -------
    list of str
    """
    local = local_latents(fit.model.card, fit.keywords)
    return [n for n in fit.model.card.latents if n not in local]


def local_latents(card: Card, keywords: Keywords) -> dict[str, Site]:
    """The latents of the rows, with their lines on the card."""
    sites = card.sites(keywords)
    return {n: sites[n] for n in card.latents if "N" in sites[n].dims}


def guide_of(fit: FitRecord) -> Program:
    """The guide of a fit, in its backend; raises ZooError where it does not read the rows."""
    card, guide = fit.model.card, fit.options.get("guide")
    if not fit.state or guide is None:
        raise ZooError(f"{card.name} by {fit.engine} has no encoder: fit it by svi, with a guide that reads the rows")
    if shared := latents_outside_rows(fit):
        raise ZooError(f"the rows of {card.name} share {', '.join(shared)}: only latents of the rows are encoded")
    if not isinstance(guide, str):
        return guides.make(guide, fit.fitted_model)(fit.model.program, None)
    if guide == card.name:
        return guides.load(guide, fit.model.backend)(fit.model.program, None)
    if guide in guides.names():
        raise ZooError(f"the guide {guide!r} reads no rows: fit {card.name} with a guide that does")
    raise ZooError(f"the guide {guide!r} was a function, and a saved fit has only its name: put it in fit.options")


def available_device(backend: Backend, fit: FitRecord) -> str:
    """The device of the fit, or the CPU where there is no such device."""
    try:
        with backend.runtime(fit.dtype, fit.device):
            return fit.device
    except ZooError:
        return "cpu"


def draw_seed(rng: np.random.Generator) -> int:
    """A seed for one call of a kernel."""
    return int(rng.integers(2**31))
