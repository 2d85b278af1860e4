"""What the density of a user's program tells of it: exchangeable dimensions, symmetries, hyperparameters, hierarchies.

A dimension is exchangeable where the log joint density, discrete sites summed out, does not change when the labels
along it are permuted in every latent at once: the components of a mixture, but not the coefficients of a regression.
Dimensions of plates and of events are tested together where they have the same size, as the weights of a mixture are
one event and its means a plate. An exchangeable dimension is tested for sign flips and rotations too, as the factors of
a matrix factorisation have them. A hyperparameter is a latent that the likelihood does not depend on, given the others.
A latent whose scale is another latent is a centred hierarchy: where that scale is small the posterior narrows to a
funnel, which no normal distribution has.

Each ``in_<backend>.py`` has ``DensityTest(program, keywords, data)``, with

    points                   a few values of the latents, ``{site: (points, *shape)}``
    log_joint_at_points      log p of each of them in nats
    log_joint(values)        log p of each point in nats, NaN where a value is outside of its support
    likelihood_parents()     the latents that the likelihood depends on
    scale_parents()          for each latent those that its scale depends on
    bound_parents()          for each observed site the latents that its bounds depend on
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Protocol, TypeVar

import numpy as np

from inference.unconstrained import without_gradients
from zoo import Model, ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo.sites import Site

TOLERANCE = 1e-9  # of the log joint density in nats
ROUNDING = 1e-12  # of its size: a density of 1e6 nats, far from the data, must not hide a difference of 1e-5
MAX_SIZE = 1000  # labels along a dimension: longer ones are no components
MAX_TOGETHER = 4  # dimensions of one size that are permuted together

Values = dict[str, np.ndarray]
M = TypeVar("M", bound=Model)


class DensityTest(Protocol):
    """The log joint density of a program at values of its latents."""

    points: Values
    log_joint_at_points: np.ndarray

    def log_joint(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p of each point in nats, (points,)."""
        ...

    def likelihood_parents(self) -> set[str]:
        """The latents that the likelihood depends on, given the others."""
        ...

    def scale_parents(self) -> dict[str, tuple[str, ...]]:
        """For each latent whose scale depends on other latents, these."""
        ...

    def bound_parents(self) -> dict[str, tuple[str, ...]]:
        """For each observed site whose bounds depend on latents, these."""
        ...


def describe_density(model: M) -> M:
    """The model with its exchangeable dimensions, symmetries of axes, hyperparameters and hierarchies on its card.

    Parameters
    ----------
    model : Model
        A program of the user's own that was read; another is returned as it is.

    Returns
    -------
    Model
    """
    if not isinstance(model, ReadModel) or without_gradients(model.card):
        return model
    card, table = model.card, dict(model.reading.table)
    sites = {n: s for n, s in card.sites().items() if n in card.latents and n not in card.enumerated}
    groups = list(candidate_groups(sites, model.reading.sizes))
    backend = backend_of(model)
    module = in_backend("inference.structure", model.backend)
    with backend.runtime(model.program.dtype):
        try:
            test: DensityTest = module.DensityTest(
                model.program, backend.to_backend(model.reading.sizes), backend.to_backend(table)
            )
        except ZooError:  # the engines refuse with the reason
            return model
        parents = test.likelihood_parents()
        # a scale that the likelihood has too, as that of the noise, is not small
        scales = {n: tuple(p for p in above if p not in parents) for n, above in test.scale_parents().items()}
        scales, bounds = {n: above for n, above in scales.items() if above}, test.bound_parents()
        # a guide or EM fits what has no prior: the density at other values of it says nothing
        groups = [] if card.learned else groups
        exchangeable = minimal_groups(test, sites, groups)
        symmetries = {group[0]: sign_symmetry(test, sites, group) for group in exchangeable}
    renamed = {dim: group[0] for group in exchangeable for dim in group}
    signed = {dim: symmetry for dim, symmetry in symmetries.items() if symmetry}
    changed = {field: rename_dims(getattr(card, field), renamed) for field in ("latents", "deterministic", "learned")}
    labels = tuple(dim for dim in symmetries if dim not in signed)
    hyper = tuple(n for n in sites if n not in parents)
    found = {"hyper": hyper, "scales": scales, "bounds": bounds, "exchangeable": labels, "symmetries": signed}
    return model.with_card(**changed, **found)


def candidate_groups(sites: Mapping[str, Site], sizes: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Dimensions of the latents, of one size, that may be permuted together: plates first, few before many."""
    by_size: dict[int, list[str]] = {}
    for site in sites.values():
        for dim in site.dims:
            if dim != "N" and 1 < sizes[dim] <= MAX_SIZE and dim not in by_size.setdefault(sizes[dim], []):
                by_size[sizes[dim]].append(dim)
    for dims in by_size.values():
        ordered = sorted(dims, key=lambda dim: any(dim.startswith(f"{n}_dim_") for n in sites))
        for count in range(1, min(len(ordered), MAX_TOGETHER) + 1):
            yield from combinations(ordered, count)


def minimal_groups(
    test: DensityTest, sites: Mapping[str, Site], groups: Sequence[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """The groups of dimensions whose labels can be permuted, of which no smaller part can."""
    exchangeable: list[tuple[str, ...]] = []
    for group in groups:
        if any(set(smaller) & set(group) for smaller in exchangeable):
            continue
        size = dimension_size(test, sites, group)
        swap, cycle = np.arange(size), np.roll(np.arange(size), 1)
        swap[:2] = 1, 0
        if all(
            is_invariant(test, along(test.points, sites, group, lambda v, a, o=o: np.take(v, o, a)))
            for o in (swap, cycle)
        ):
            exchangeable.append(group)
    return exchangeable


def sign_symmetry(test: DensityTest, sites: Mapping[str, Site], group: tuple[str, ...]) -> str:
    """The symmetry of the axes of exchangeable dimensions: "rotation", "signed permutation", or "" for none."""
    size = dimension_size(test, sites, group)
    members = {n: s for n, s in sites.items() if set(s.dims) & set(group)}
    real = {n: s for n, s in members.items() if s.kind == "real"}
    if not real:
        return ""
    flip = np.ones(size)
    flip[0] = -1
    flipped = along(test.points, real, group, lambda v, a: v * flip.reshape(-1, *(1,) * (v.ndim - a - 1)))
    if not is_invariant(test, flipped):
        return ""
    matrix = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    rotated = along(test.points, real, group, lambda v, a: np.moveaxis(np.moveaxis(v, a, -1) @ matrix, -1, a))
    return "rotation" if len(real) == len(members) and is_invariant(test, rotated) else "signed permutation"


def dimension_size(test: DensityTest, sites: Mapping[str, Site], group: tuple[str, ...]) -> int:
    """The number of labels along a group of dimensions."""
    return next(
        test.points[n].shape[1 + axis] for n, s in sites.items() for axis, dim in enumerate(s.dims) if dim in group
    )


def along(points: Values, sites: Mapping[str, Site], group: tuple[str, ...], change) -> Values:
    """The points with every axis of a group of dimensions changed by ``change(values, axis)``."""
    changed = dict(points)
    for name, site in sites.items():
        for axis, dim in enumerate(site.dims):
            if dim in group:
                changed[name] = change(changed[name], 1 + axis)
    return changed


def is_invariant(test: DensityTest, changed: Values) -> bool:
    """Whether the density is the same at changed points, of those at which it is finite."""
    before, after = test.log_joint_at_points, test.log_joint(changed)
    finite = np.isfinite(before)
    allowed = TOLERANCE + ROUNDING * np.abs(before[finite])
    return bool(finite.any() and (np.abs(after[finite] - before[finite]) <= allowed).all())


def rename_dims(sites: Mapping[str, Site | str], renamed: Mapping[str, str]) -> dict[str, Site]:
    """The sites with some dimensions renamed."""
    lines = {n: Site.from_line(site) for n, site in sites.items()}
    return {n: replace(s, dims=tuple(renamed.get(d, d) for d in s.dims)) for n, s in lines.items()}
