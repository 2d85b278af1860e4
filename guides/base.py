"""The guides of any program: distributions of its unconstrained values, in coordinates centred at a mode."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from inference.unconstrained.curvature import Mode, find_mode, find_normal, possible_point
from zoo import ZooError
from zoo.types import BackendArray, BackendParams, Program

COORDINATES = "_coordinates"  # their name among the arguments of what is compiled: no argument of a program begins so


class Coordinates(NamedTuple):
    """The origin of a guide's parameters, (P,), and their units: standard deviations (P,) or a Cholesky root (P, P)."""

    centre: BackendArray
    unit: BackendArray


class ModeCentredGuide:
    """A guide of the unconstrained values of a program, about the mode near ``start`` in units of the local scales.

    The first call finds the mode, and must be outside of any compilation. A backend adds the two methods that raise
    NotImplementedError here.

    Parameters
    ----------
    program : callable
        A program of the backend without discrete sites.
    start : dict or None
        Values of the latents near which to look for the mode; the prior median where None.
    sample_vector : callable
        Given the ``Coordinates``, makes the sample and param statements, and returns the unconstrained values (P,).
    unit : callable
        The unit of the coordinates at a ``Mode``.
    jacobian : bool
        Whether the density is that of the unconstrained values (default), or of the latents as they are on the card.
    """

    def __init__(
        self,
        program: Program,
        start: BackendArray,
        sample_vector: Callable[[Coordinates], BackendArray],
        unit: Callable[[Mode], np.ndarray],
        jacobian: bool = True,
    ):
        self.program, self.start, self.sample_vector, self.jacobian = program, start, sample_vector, jacobian
        self.unit = unit
        self.mode: Mode | None = None
        self.coordinates: Coordinates | None = None
        self.has_possible_start = True  # or it begins elsewhere, where the density is not 0
        # about the nearest normal distribution: a mode of latents of rows and their scale may be far from most draws
        self.is_near_start = False

    def __call__(self, **inputs: BackendArray) -> None:
        """Run the guide; ``inputs`` are those of the program."""
        if self.mode is None:
            self.read_program(inputs)
            point = self.model.unconstrain_numpy(self.start or self.model.prior_median(seed=0))
            density = self.model.value_grad_hvp(self.jacobian)
            start = possible_point(density, point, lambda: self.model.prior_vectors(seed=0))
            self.has_possible_start = bool((start == point).all())
            self.set_mode((find_normal if self.is_near_start and self.jacobian else find_mode)(density, start))
        if self.shapes not in (None, input_shapes(inputs)):
            raise ZooError(
                "the guide has parameters for the latents of every row, and cannot run on a batch: leave batch_size out"
            )
        assert self.coordinates is not None
        vector = self.sample_vector(self.coordinates)
        for name, (value, log_jacobian) in self.model.constrain(vector).items():
            self.sample_value(name, value, -log_jacobian if self.jacobian else 0.0, self.model.event_dims[name])

    def read_program(self, inputs: BackendParams) -> None:
        """Read the latents of the program, and for latents of the rows the shapes that all inputs must have."""
        self.model = self.make_model(inputs)
        has_local = any("N" in plates for plates in self.model.plates.values())
        self.shapes = input_shapes(inputs) if has_local else None

    def set_mode(self, mode: Mode) -> None:
        """Centre the coordinates at a mode."""
        self.mode, self.coordinates = mode, Coordinates(mode.centre, self.unit(mode))

    def restore(self, inputs: BackendParams, state: Mapping[str, np.ndarray]) -> None:
        """Set up the guide of an earlier run, by the ``preconditioner`` in its state: nothing is searched."""
        self.read_program(inputs)
        self.set_mode(Mode(state["mode"], state["precision"]))

    def at(self, coordinates: Coordinates) -> ModeCentredGuide:
        """The guide in other coordinates, such as arguments of what is compiled."""
        guide = copy.copy(self)
        guide.coordinates = coordinates
        return guide

    @property
    def preconditioner(self) -> dict[str, np.ndarray]:
        """The origin of its parameters, and the precision that gives their units."""
        assert self.mode is not None
        return {"mode": self.mode.centre, "precision": self.mode.precision}

    def make_model(self, inputs: BackendParams) -> BackendArray:
        """The program's latents in unconstrained coordinates: the backend's ``UnconstrainedModel``."""
        raise NotImplementedError

    def sample_value(self, name: str, value: BackendArray, log_density: BackendArray, event_dim: int) -> None:
        """A sample statement of one value, with the log density that it has under the guide."""
        raise NotImplementedError


def input_shapes(inputs: BackendParams) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays among the inputs."""
    return {n: v.shape for n, v in inputs.items() if hasattr(v, "shape")}


def with_coordinates(guide: object, arrays: Mapping[str, BackendArray]) -> dict[str, BackendArray]:
    """The arrays and the coordinates of a guide, where it has any.

    What is compiled takes both as arguments, so that it is the same for all data of the same shapes.
    """
    coordinates = getattr(guide, "coordinates", None)
    return {**arrays} if coordinates is None else {**arrays, COORDINATES: coordinates}


def split_coordinates(guide: Program, arrays: Mapping[str, BackendArray]) -> tuple[Program, dict[str, BackendArray]]:
    """The guide in the coordinates among the arrays, where it has any, and the other arrays."""
    others: dict[str, Any] = dict(arrays)
    coordinates = others.pop(COORDINATES, None)
    return (guide.at(coordinates) if isinstance(guide, ModeCentredGuide) and coordinates else guide), others
