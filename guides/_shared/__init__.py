"""Guides that share the program's computation: each latent's posterior reads the features of the program itself.

In a deep hierarchy q(z_l | ...) depends on the program's own top-down activations (Child 2021; Vahdat and Kautz 2020).
Such a guide is a function of the prior of a latent and its features, which a handler calls at each latent of one run of
the program: the run draws every latent from its posterior, has the prior beside it, and evaluates the data. A guide
and a program that run one after the other compute the features twice.

Each ``in_<backend>.py`` provides ``SharedGuide``, a guide in the backend's own sense. Its trace has the latents with
their posteriors. At the end it shows the program's sites of the same run to the handlers that know the message "shared"
(``inference.objectives.runs``), which need no other run of the program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo._programs.arguments import program_name, signature_parameters
from zoo._programs.runnable import RunnableProgram
from zoo.errors import ZooError
from zoo.types import BackendArray, Program

OWN_ARGUMENTS = ("name", "prior", "features")


@dataclass(frozen=True)
class Shared:
    """What ``shared`` returns; ``fit(guide=...)`` makes the guide for its program."""

    posterior: Callable[..., BackendArray]
    encoder: Callable[..., Any] | None = None
    separate: bool = False

    @property
    def __name__(self) -> str:
        return program_name(self.posterior)

    def __call__(self, *args: Any, **kwargs: Any) -> BackendArray:
        """The posterior of one latent."""
        return self.posterior(*args, **kwargs)


def shared(
    posterior: Callable[..., BackendArray], encoder: Callable[..., Any] | None = None, separate: bool = False
) -> Shared:
    """A guide that is run together with the program, and reads its features.

    Parameters
    ----------
    posterior : callable
        ``posterior(name, prior, features, ...)`` returns the distribution from which a latent is drawn, of the backend,
        or None for a discrete latent that is to be summed out.
        ``name`` is that of the latent; ``prior`` its distribution in the program, which may depend on latents drawn
        before; ``features`` what the program gives at its statement, ``sample(name, prior, infer={"features": ...})``,
        or None. Further parameters are arguments of the program, by name, and ``encoding``.
    encoder : callable, optional
        A function of the program's arguments, which is called once in each run, before the program; its value is the
        argument ``encoding``. Networks that read the data belong here.
    separate : bool, default False
        Run guide and program one after the other, as other guides are: the same bound in more time, for tests.

    Returns
    -------
    Shared
        For ``fit(model, data, engine="svi", guide=...)``.

    Raises
    ------
    ZooError
        For a posterior that does not take name, prior and features.

    References
    ----------
    Sonderby, C. K., Raiko, T., Maaloe, L., Sonderby, S. K. and Winther, O. (2016). Ladder variational autoencoders.
    Advances in Neural Information Processing Systems 29.

    Examples
    --------
    >>> shared(lambda name, prior, features, x: prior).separate
    False
    """
    for function, role in ((posterior, "posterior"), (encoder, "encoder")):
        if function is not None and not callable(function):
            raise ZooError(f"{role} is a function; given {function!r}")
    if tuple(_names(posterior)[:3]) != OWN_ARGUMENTS:
        raise ZooError(
            f"a posterior is a function (name, prior, features, ...); {program_name(posterior)} takes "
            f"{', '.join(_names(posterior)) or 'nothing'}"
        )
    if encoder is None and "encoding" in _names(posterior):
        raise ZooError(
            f"{program_name(posterior)} takes an encoding, which an encoder makes: shared(posterior, encoder)"
        )
    return Shared(posterior, encoder, separate)


class SharedGuide(ABC):
    """A program that is run with its latents drawn from posteriors; a backend adds the handler.

    Parameters
    ----------
    program : callable
        The program, with keywords for arguments.
    posterior, encoder, separate
        As of ``shared``; the encoder is called with the program's keywords that it names.
    arguments : callable, optional
        From the program's keywords the arguments that ``posterior`` may name; the keywords themselves by default.
    """

    def __init__(
        self,
        program: Program,
        posterior: Callable[..., BackendArray],
        encoder: Callable[..., Any] | None = None,
        separate: bool = False,
        arguments: Callable[..., Mapping[str, Any]] | None = None,
    ):
        self.program, self.posterior, self.encoder, self.separate = program, posterior, encoder, separate
        self.arguments = arguments or dict
        self.__name__ = program_name(posterior)

    def __call__(self, **inputs: BackendArray) -> None:
        """Run the guide; ``inputs`` are those of the program."""
        arguments = dict(self.arguments(**inputs))
        if self.encoder:
            arguments["encoding"] = _call(self.encoder, inputs)
        sites = self.run(lambda name, prior, features: self.find(name, prior, features, arguments), inputs)
        if not self.separate:
            self.show(sites)

    def find(self, name: str, prior: BackendArray, features: Any, arguments: Mapping[str, Any]) -> BackendArray | None:
        """The posterior of a latent, or None for a discrete one that is to be summed out.

        Raises ZooError where the posterior does not suit the prior.
        """
        q: BackendArray = _call(self.posterior, {"name": name, "prior": prior, "features": features, **arguments})
        if q is None and prior.support.is_discrete:
            return None
        if q is None or not hasattr(q, "log_prob"):
            raise ZooError(
                f"{self.__name__} gives {type(q).__name__} for {name}: it returns a distribution for each latent"
            )
        if len(q.event_shape) != len(prior.event_shape):
            raise ZooError(
                f"the posterior of {name} has events of shape {tuple(q.event_shape)}, and its prior of "
                f"{tuple(prior.event_shape)}: let to_event give both the same number of dimensions"
            )
        return q

    @abstractmethod
    def run(
        self, find: Callable[[str, BackendArray, Any], BackendArray], inputs: Mapping[str, BackendArray]
    ) -> dict[str, dict[str, BackendArray]]:
        """Run the program with latents from their posteriors; return its sites, latents with their priors."""

    @abstractmethod
    def show(self, sites: dict[str, dict[str, BackendArray]]) -> None:
        """Show the program's sites to the handlers outside."""


def by_encoder(**guides: Callable[..., None]) -> Callable[..., None]:
    """The guide of a program whose keyword ``encoder`` names one of several guides."""

    def guide(*, encoder: str, **inputs: BackendArray) -> None:
        guides[encoder](encoder=encoder, **inputs)

    return guide


def _names(function: Callable[..., Any]) -> list[str]:
    return [p.name for p in signature_parameters(function)]


def _call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with the arguments that it names; raises ZooError where there is none of a name."""
    if isinstance(function, RunnableProgram):  # it has the keywords of the engines
        return function(**arguments)
    parameters = signature_parameters(function)
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return function(**arguments)
    missing = [p.name for p in parameters if p.name not in arguments and p.default is p.empty]
    if missing:
        raise ZooError(
            f"{program_name(function)} takes {', '.join(missing)}, which the program does not have; its arguments: "
            f"{', '.join(n for n in arguments if n not in (*OWN_ARGUMENTS, 'encoding'))}"
        )
    return function(**{p.name: arguments[p.name] for p in parameters if p.name in arguments})
