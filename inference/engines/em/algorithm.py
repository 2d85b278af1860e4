"""The interface of an EM algorithm: one model, one data set, and the states between which EM iterates."""

from __future__ import annotations

from typing import Protocol, TypeVar

State = TypeVar("State")
Result = TypeVar("Result", covariant=True)


class EMAlgorithm(Protocol[State, Result]):
    """An EM algorithm, ready to iterate on one data set.

    A state holds the parameters, and whatever else an iteration continues from. ``iteration.run_em`` and
    ``iteration.run_restarts`` run the algorithm. The implementations are ``enumeration.EnumerationEM``,
    ``linear_gaussian.algorithm.LinearGaussianEM``, ``linear_chain.algorithm.LinearChainEM`` and
    ``latent_dirichlet.batch.LatentDirichletEM``.

    Attributes
    ----------
    patience : int or None
        Number of iterations after which ``escape_boundary`` is called once; None: it is never called.
    """

    @property
    def patience(self) -> int | None: ...

    def initialize(self, seed: int) -> State:
        """The state at which EM begins: that of the option ``start``, else one that depends on the seed."""
        ...

    def step(self, state: State, /) -> tuple[State, float]:
        """The next state, and the objective in nats at the given one."""
        ...

    def rounding(self, state: State, value: float, /) -> float:
        """A bound of the rounding error of the objective at a state, in nats; the objective falls by no more."""
        ...

    def escape_boundary(self, state: State, /) -> State | None:
        """A state with a higher objective where EM is sublinear near a boundary; None where EM may simply continue."""
        ...

    def check(self, state: State, /) -> None:
        """Raise ZooError where the objective has no maximum at the last state, as when a component collapsed."""
        ...

    def finalize(self, state: State, /) -> Result:
        """What the engine reports of the last state."""
        ...


class IterationOptions(Protocol):
    """The options of an engine on which the iterations depend.

    Attributes
    ----------
    max_iter : int
        Number of iterations at most.
    tol : float
        Gain of the objective, in nats per row, below which EM has converged.
    restarts : int
        Number of starts.
    """

    @property
    def max_iter(self) -> int: ...

    @property
    def tol(self) -> float: ...

    @property
    def restarts(self) -> int: ...
