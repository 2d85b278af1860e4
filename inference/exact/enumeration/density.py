"""The enumerated density of a program, apart from what a backend computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

from inference.exact.enumeration.chains import ArrayFunctions
from inference.exact.enumeration.elimination import FactorGraph, Variable
from inference.exact.enumeration.loops import with_time
from zoo._programs.runnable import RunnableProgram
from zoo.errors import ZooError, describe_error
from zoo.types import BackendArray, BackendParams, Keywords, Program


class EnumeratedDensity:
    """The joint density of a program and data as a function of the parameters, with its discrete latents enumerated.

    A backend adds the methods that raise NotImplementedError here, and sets ``functions`` (of its arrays),
    ``variables`` (the discrete sites), ``has_loops`` (over time), ``supports`` and ``shapes`` (of the continuous
    latents, by site), and ``dependent`` (those that depend on a discrete one, whose densities are among the factors).

    program: of the backend. keywords, data: in arrays of the backend.
    """

    functions: ClassVar[ArrayFunctions]
    variables: list[Variable]
    has_loops: bool
    supports: BackendParams
    shapes: dict[str, tuple[int, ...]]
    dependent: set[str]

    def __init__(self, program: Program, keywords: Keywords, data: Mapping[str, BackendArray]):
        self.program, self.keywords, self.data = program, keywords, data
        # in a user's own program every continuous latent is a parameter, those of the rows too
        self.is_own = isinstance(program, RunnableProgram)
        # what does not depend on the rows is read from a program with one row; a user's may have none but its own
        N = None if self.is_own else keywords.get("N")
        row = {n: v[:1] if N and len(v) == N else v for n, v in data.items()}
        self.one_row = {**row, **keywords, "N": 1} if N else {**row, **keywords}

    @property
    def graph_variables(self) -> list[Variable]:
        """The discrete sites as the factor graph has them."""
        return [with_time(v) for v in self.variables] if self.has_loops else self.variables

    @property
    def has_one_label_per_row(self) -> bool:
        """Whether the only discrete site is one label for each row."""
        return self.has_one_discrete_site and not self.variables[0].is_chain

    @property
    def has_one_chain_per_row(self) -> bool:
        """Whether the only discrete site is one chain for each row."""
        return self.has_one_discrete_site and self.variables[0].is_chain

    @property
    def has_one_discrete_site(self) -> bool:
        """Whether there is one discrete site, within the plate of the rows alone."""
        return len(self.variables) == 1 and {p.name for p in self.variables[0].plates} == {"N"}

    def prior_draws(self, count: int, seed: int = 0) -> BackendParams:
        """Draws of every continuous latent, from a program with one row; of an improper prior values in its support."""
        raise NotImplementedError

    def log_prior(self, params: BackendParams) -> BackendArray:
        """log p(params), of the global latents given, without those whose density is among the factors."""
        raise NotImplementedError

    def log_priors(
        self, draws: BackendParams, factors: Sequence[str] = (), inputs: BackendParams | None = None
    ) -> BackendParams:
        """The log density of each latent given at each draw, its elements together, ``{site: (draws,)}``.

        Without those whose density is among the factors of the rows. factors: further statements, by name. inputs: of
        the program; by default those of one row.
        """
        raise NotImplementedError

    def factor_graph(self, params: BackendParams) -> FactorGraph:
        """The sites of the rows at ``params``, observed or discrete; the priors of ``params`` are not among them."""
        raise NotImplementedError

    def total(self, params: BackendParams, weights: BackendArray | None = None) -> BackendArray:
        """log p of all rows at ``params``, each counted ``weights`` times."""
        return self.factor_graph(params).log_marginal(self.functions, weights)[0]

    def posterior(
        self, params: BackendParams, weights: BackendArray | None = None
    ) -> tuple[BackendParams, BackendArray | None]:
        """``{site: p(the values its factor joins | x)}``, and log p by row, of all rows where there are no weights.

        The posterior is the gradient of the log marginal with respect to zeros added to the factors.
        """
        raise NotImplementedError

    def label_posterior(
        self, params: BackendParams, labels: BackendArray, weights: BackendArray | None = None
    ) -> BackendParams:
        """The posterior as ``posterior`` has it where the one discrete site is certain of the labels, (*plates)."""
        raise NotImplementedError

    def log_marginal(self, draws: BackendParams) -> BackendArray:
        """log p of each row at each draw of the parameters, (draws, N)."""
        raise NotImplementedError

    def marginals(self, draws: BackendParams) -> BackendParams:
        """p(label | x) of each discrete variable at each draw, ``{name: (draws, *plates, values)}``."""
        raise NotImplementedError

    def responsibilities(self, draws: BackendParams) -> BackendParams:
        """p(label | x) of each discrete site at each draw, ``{site: (draws, *plates, values)}``."""
        return split_steps(self.marginals(draws), self.variables, 1)

    def chain(self, draws: BackendParams, name: str | None) -> tuple[BackendParams, list[Variable]]:
        """The logs of a chain at each draw, ``{"states": (draws, *plates, T, K), "transitions": ...}``.

        Then the chains whose states are combined in it. name: of the chain, or None for the only one; raises ZooError
        where there is no such chain.
        """
        raise NotImplementedError

    def find_chain(self, name: str | None) -> Variable:
        """The chain of a name, or the only one; raises ZooError."""
        chains = {v.name: v for v in self.graph_variables if v.is_chain}
        if name is None and len(chains) == 1:
            return next(iter(chains.values()))
        if not chains:
            raise ZooError("the program has no chain, and so no states of sequences: draw them from Chain")
        if name not in chains:
            raise ZooError(f"site={name!r}: the chains of the program are {', '.join(chains)}; name one of them")
        return chains[str(name)]

    def sample_labels(self, draws: BackendParams, seed: int) -> BackendParams:
        """One draw of the labels at each draw of the parameters, ``{site: (draws, *plates)}``."""
        raise NotImplementedError


@contextmanager
def at_every_value(program: Program) -> Iterator[None]:
    """Errors of a user's program that runs with every value of its discrete latents at once, in one line."""
    try:
        yield
    except ZooError as error:  # Pyro adds the shapes of its trace
        raise ZooError(str(error).splitlines()[0]) from error
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        if not isinstance(program, RunnableProgram):
            raise
        raise ZooError(
            f"{program.__name__} cannot run with every value of its discrete latents at once, along dimensions to the "
            f"left of those of the plates: {describe_error(error)}"
        ) from error


def split_steps(values: BackendParams, variables: Sequence[Variable], num_last: int) -> BackendParams:
    """Values of variables, (..., T) before the ``num_last`` dimensions, by site, where each step has its own."""
    steps = {v.name: v.steps for v in variables if v.steps}
    by_site = {n: a for n, a in values.items() if n not in steps}
    for name, sites in steps.items():
        for t, site in enumerate(sites):
            by_site[site] = values[name][(..., t, *[slice(None)] * num_last)]
    return by_site


def infinite_support(name: str) -> str:
    """The message for a discrete site without finite support."""
    return f"{name} has infinite support and cannot be summed out: give it a distribution with finite support"


def continuous_in_loop(name: str, site: str) -> str:
    """The message for a continuous latent in a loop over time with discrete ones."""
    return (
        f"{name} is continuous and in one loop with {site}, which is discrete, so that {site} cannot be summed out: "
        f"draw {name} outside of the loop, for all steps at once"
    )


def partly_sampled(name: str, other: str) -> str:
    """The message for a loop of which a guide has some of the discrete sites."""
    return (
        f"{name} and {other} are discrete and in one loop, and the guide has {name} alone: let it have both or neither"
    )


def unbounded_memory(name: str, most: int) -> str:
    """The message for a loop over time in which a state has consequences later on."""
    return (
        f"the loop of {name} carries more than its last {most} values from step to step, so that there is no exact "
        f"sum: carry {name} itself"
    )


def masked_chain(name: str) -> str:
    """The message for a chain that is masked."""
    return f"{name} is a chain and masked: mask the sites that depend on it, step by step, instead"


def depends_on_discrete(name: str) -> str:
    """The message for a continuous latent of a loop that depends on a discrete one."""
    return f"{name} is continuous and depends on a discrete site, so the discrete site cannot be summed out"


def is_local(name: str) -> str:
    """The message for a continuous latent of the rows."""
    return f"{name} is a continuous latent of each row: only its marginal (collapsed) has an exact sum"
