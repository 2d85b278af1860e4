"""A fit whose guide reads the rows, opened: what may be asked of it, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import guides
from inference.amortised.answers import Normals, Parts, filled, joined, some
from inference.record import FitRecord
from zoo import ZooError
from zoo._backend import backend_of, in_backend
from zoo.data.corpus import Corpus

ROWS = 128  # in a block, at most
NUMBERS = {"cpu": 1 << 22}  # at a time, of observed values: over draws, rows and the values of discrete latents
PLENTY = 1 << 26  # of them elsewhere


class AmortisedPosterior:
    """The program and the guide of a fit, at ``fit.state``; raises ZooError where the guide does not read the rows.

    Every question is answered in numpy, by the fit's dtype on its device, or on the CPU where that device is not to be
    had. A table is ``{site: (N, ...)}`` as the program sees it: see ``table``. Seeds make the answers what they are.
    """

    def __init__(self, fit: FitRecord):
        self.fit, self.card, self.backend = fit, fit.model.card, backend_of(fit.model)
        guide, backend_module = guide_of(fit), in_backend("inference.amortised", fit.model.backend)
        self.keywords = {k: v for k, v in fit.keywords.items() if k != "N"}
        self.sites = self.card.sites(fit.keywords)
        self.device = here(self.backend, fit)
        with self.backend.runtime(fit.dtype, self.device):
            self.kernels = backend_module.AmortisedKernels(fit.model.program, guide, self.keywords, fit.state)

    def table(self, data: Any = None, seed: int | None = None) -> dict[str, np.ndarray]:
        """Data, that of the fit unless given, checked against the card; of ``Intensities`` one draw.

        seed: of that draw, that of the fit unless given. Raises ZooError for data the model cannot take.
        """
        given = self.fit.data if data is None else data
        table, _ = self.fit.fitted_model.bind(given, self.fit.seed if seed is None else seed)
        table = {n: v.raw if isinstance(v, Corpus) else v for n, v in table.items()}
        C = self.keywords.get("C")
        for name, values in table.items():
            if C and self.sites[name].kind == "category" and (values >= C).any():
                raise ZooError(f"{name} has a label {np.nanmax(values):g}, and the classes are 0 to {C - 1}: recode it")
            levels = self.keywords.get("levels")
            if levels and self.sites[name].kind == "count" and (values >= levels).any():
                raise ZooError(f"levels={levels} but {name} has a pixel of {np.nanmax(values):g}: it cannot be more")
        return table

    def encode(self, table: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """What the guide makes of each row: ``{"z": Code}``, and of a discrete latent its probabilities, (N, C).

        Latents that depend on others are given at those others' mean, or most probable value. Raises ZooError for a
        continuous latent that is not normal.
        """
        return self.in_blocks(table, ROWS, lambda block, *_: self.ask("encoded", block))

    def decode(self, latents: Mapping[str, np.ndarray], seed: int | None = None) -> dict[str, np.ndarray]:
        """The mean of each observed site given the local latents, ``{"x": (N, D)}``; of a label its probabilities.

        latents: an array for each, as ``{"z": (N, Z)}``; whole numbers for labels. Given a ``seed``, a draw of the rows
        instead of their mean. Raises ZooError for other latents than the program's.
        """
        table, rng = self.latents(latents), np.random.default_rng(seed)

        def answer(block: dict[str, np.ndarray], *_: Any) -> Any:
            return self.ask("decoded", block, None if seed is None else new(rng))

        return self.in_blocks(table, ROWS, answer)

    def log_weights(
        self, table: Mapping[str, np.ndarray], num_samples: int, seed: int, q: Normals | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """``(rows, (K, B))`` until ``num_samples`` draws of each row are through: log p(x, z_k) / q(z_k | x) in nats.

        Discrete latents are summed over. q: normals to draw from in the place of the guide, as of ``refined``.
        """
        rng, N = np.random.default_rng(seed), rows_of(table)
        size = min(ROWS, N)
        calls = -(-num_samples // max(1, self.capacity // size))
        K = -(-num_samples // calls)
        for rows, block in blocks(table, size):
            for left in range(num_samples, 0, -K):
                found = self.ask("weighed", block, K, new(rng), some(q, rows, size))
                yield rows, found[:left, : rows.stop - rows.start]

    def parts(self, table: Mapping[str, np.ndarray], num_samples: int, seed: int, q: Normals | None = None) -> Parts:
        """What the ELBO of each row is made of, by ``num_samples`` draws from the guide, or from ``q``."""
        rng, size = np.random.default_rng(seed), self.rows_for(num_samples)

        def answer(block: dict[str, np.ndarray], rows: slice, size: int) -> Parts:
            return self.ask("parts", block, num_samples, new(rng), some(q, rows, size))

        return self.in_blocks(table, size, answer, axis=1)

    def refined(self, table: Mapping[str, np.ndarray], steps: int, num_samples: int, seed: int) -> Normals:
        """The guide's normals made better row by row: ``{site: (mean, sd)}``, (E, N, ...) each.

        Mean and log sd of each number, for each value of the discrete latents, climb the ELBO of their own row by
        ``steps`` of Adam, whose rate falls to 0, with ``num_samples`` new draws each; what was learned stays as it is.
        They begin where the guide has them. Raises ZooError for a continuous latent that is not normal.
        """
        rng = np.random.default_rng(seed)

        def answer(block: dict[str, np.ndarray], *_: Any) -> Normals:
            return self.ask("refined", block, steps, num_samples, new(rng))

        return self.in_blocks(table, self.rows_for(num_samples), answer, axis=1)

    def ask(self, question: str, *given: Any) -> Any:
        with self.backend.runtime(self.fit.dtype, self.device):
            return getattr(self.kernels, question)(*given)

    def in_blocks(self, table: Mapping[str, np.ndarray], size: int, answer: Callable[..., Any], axis: int = 0) -> Any:
        N = rows_of(table)
        size = min(size, 1 << (N - 1).bit_length())  # few sizes, for NumPyro compiles each
        return joined([answer(block, rows, size) for rows, block in blocks(table, size)], N, axis)

    def rows_for(self, draws: int) -> int:
        """How many rows to take at a time, where each is drawn ``draws`` times."""
        return int(np.clip(self.capacity // draws, 1, ROWS))

    @property
    def capacity(self) -> int:
        """Rows times draws that fit into memory."""
        sizes = {**self.keywords, "N": 1}
        a_row = sum(int(np.prod(self.sites[n].shape(sizes))) for n in self.card.observed)
        values = int(sizes.get("C", 1)) ** len(self.card.enumerated)
        return max(1, NUMBERS.get(self.device, PLENTY) // (a_row * values))

    def latents(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Local latents, by site, as the program takes them; raises ZooError for others, or of another shape."""
        lines = self.card.local(self.keywords)
        if set(given) != set(lines):
            raise ZooError(
                f"{self.card.name} decodes {', '.join(lines)}; given {', '.join(map(str, given)) or 'nothing'}"
            )
        N, table = rows_of(given), {}
        for name, line in lines.items():
            value, shape = np.asarray(given[name]), line.shape({**self.keywords, "N": N})
            if value.shape != shape:
                raise ZooError(f"{name} is {line}, of shape {shape} here; given {value.shape}")
            table[name] = value.astype(int if line.kind == "category" else float)
        return table


def shared_by_rows(fit: FitRecord) -> list[str]:
    """The latents that are not the rows' own, where there are any: codes are then not all that a guide knows."""
    return [n for n in fit.model.card.latents if n not in fit.model.card.local(fit.keywords)]


def guide_of(fit: FitRecord) -> Callable[..., Any]:
    """The guide of a fit, in its backend; raises ZooError where it does not read the rows."""
    card, given = fit.model.card, fit.options.get("guide")
    if not fit.state or given is None:
        raise ZooError(f"{card.name} by {fit.engine} has no encoder: fit it by svi, with a guide that reads the rows")
    if shared := shared_by_rows(fit):
        raise ZooError(
            f"the rows of {card.name} share {', '.join(shared)}: what is encoded are latents of the rows alone"
        )
    if not isinstance(given, str):
        return given(fit.model.program, None)
    if given == card.name:
        return guides.load(given, fit.model.backend)(fit.model.program, None)
    if given in guides.names():
        raise ZooError(f"the guide {given!r} reads no rows: fit {card.name} with a guide that does")
    raise ZooError(
        f"the guide {given!r} was a function, of which a saved fit has the name alone: put it in fit.options"
    )


def here(backend: Any, fit: FitRecord) -> str:
    """The device of the fit, or the CPU where there is no such device: fits are read elsewhere than they are made."""
    try:
        with backend.runtime(fit.dtype, fit.device):
            return fit.device
    except ZooError:
        return "cpu"


def blocks(table: Mapping[str, np.ndarray], size: int) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    N = rows_of(table)
    for begun in range(0, N, size):
        rows = slice(begun, min(begun + size, N))
        yield rows, {n: filled(v[rows], size) for n, v in table.items()}


def rows_of(table: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(table.values())))


def new(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
