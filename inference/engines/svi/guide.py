"""The guide of a run of SVI, and the checks that need the request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import guides
import zoo
from guides.base import ModeCentredGuide
from inference.engines.contract import FitRequest
from inference.engines.svi.options import SVIOptions
from inference.unconstrained import without_finite_sums
from zoo.cards import Card
from zoo.errors import DensityError, ZooError, describe_error
from zoo.hooks import find_hook
from zoo.types import BackendParams, Program

T = TypeVar("T")


def check_request(request: FitRequest[SVIOptions]) -> None:
    """Raise ZooError where an option does not suit the model or the data."""
    options, card = request.options, request.card
    size, guide = options.batch_size, options.guide
    penalty = options.make_objective().penalty
    if penalty and not is_amortised(request):
        raise ZooError(
            f"{penalty.name} penalises the codes of rows, and {options.guide_name} has no encoder: take a guide that "
            "reads the rows, with a batch_size, or elbo"
        )
    if size is not None and size > request.rows:
        raise ZooError(f"batch_size is a whole number from 1 to the {request.rows} rows; given {size!r}")
    local = local_latents(request)
    if size is not None and local and guides.is_automatic(guide, request.model):
        raise ZooError(
            f"batch_size cannot go with {options.guide_name}, which has parameters for {', '.join(local)} of every "
            "row: leave it out, or write a guide that reads the rows"
        )
    # what a user's own program learns is trained beside any guide; a network of the zoo needs an encoder
    is_learned = card.networks or (card.learned and not card.is_own)
    if isinstance(guide, str) and guide != card.name and is_learned:
        raise ZooError(
            f"guide={guide!r} cannot be trained beside what {card.name} learns: leave guide out, or write one"
        )
    if isinstance(guide, str) and guide != card.name and guide in zoo.names():
        raise ZooError(f"guide={guide!r} reads the rows of {guide} and not those of {card.name}: name another")


def is_amortised(request: FitRequest[SVIOptions]) -> bool:
    """Whether the guide reads the rows, so that it can be run on some of them.

    The model's own guide does. A user's function does where rows have latents and come in batches. A discrete latent of
    the rows is summed out where the guide does not draw it, and so counts only where the program has no other latents.
    """
    options, card = request.options, request.card
    sites = card.sites(request.keywords)
    is_discrete = set(card.latents) == set(card.enumerated) and any("N" in sites[n].dims for n in card.latents)
    return options.guide == card.name or bool(
        callable(options.guide) and options.batch_size and (local_latents(request) or is_discrete)
    )


def local_latents(request: FitRequest[SVIOptions]) -> list[str]:
    """The latents of the rows that are not summed out."""
    sites = request.card.sites(request.keywords)
    return [n for n in request.card.latents if "N" in sites[n].dims and n not in request.card.enumerated]


def make_guide(request: FitRequest[SVIOptions], program: Program, start: BackendParams | None) -> Program:
    """The guide of a program; that of a model with a start of its own is about this, and not about a mode near it."""
    guide = guides.make(request.options.guide, request.model)(program, start)
    if isinstance(guide, ModeCentredGuide):
        guide.is_near_start = find_hook(request.card.package, "start", home="inference.engines.starts") is not None
    return guide


def find_sampled_sites(
    request: FitRequest[SVIOptions],
    sites_of: Callable[[Program, BackendParams], Collection[str]],
    inputs: BackendParams,
) -> list[str]:
    """The discrete latents that a guide draws, which are then not summed out of the program.

    sites_of: the names of the sites of a guide, of a backend. inputs: keywords and data.
    """
    guide, enumerated = request.options.guide, request.card.enumerated
    if not enumerated or not (guide == request.card.name or guides.is_function(guide, request.model)):
        return []
    guide = guides.make(guide, request.model)(request.program, None)
    sites = run_guide(request, lambda: sites_of(guide, inputs))
    check_others(request.card, sites)
    return [n for n in enumerated if n in sites]


def check_others(card: Card, sites: Collection[str]) -> None:
    """Raise ZooError unless the discrete latents that the guide does not draw can be summed out."""
    others = tuple(n for n in card.enumerated if n not in sites)
    latents = {n: card.latents[n] for n in others}
    marginal = replace(card, enumerated=others, sampled=(), latents=latents)
    if reason := without_finite_sums(marginal):
        raise ZooError(f"the guide has no site {', '.join(others)}, and {reason}")
    in_rows = [n for n in card.enumerated if n in sites and "N" in card.sites()[n].dims]
    if in_rows and others:  # one factor of all rows would be no signal for the draws of each
        raise ZooError(
            f"the guide has {', '.join(in_rows)} and not {', '.join(others)}, which cannot be summed out beside draws "
            f"of the rows: let the guide have {', '.join(others)} too"
        )
    if len(others) == len(card.latents):
        raise ZooError(f"every latent is discrete, and the guide draws none: let it have {', '.join(others)}")


def run_guide(request: FitRequest[SVIOptions], run: Callable[[], T]) -> T:
    """Run a guide for the first time; errors of a guide that the user gives are raised as one line."""
    try:
        return run()
    except ZooError as error:
        line, *trace = str(error).splitlines()  # Pyro adds the shapes of its trace
        if trace:
            raise type(error)(line) from error
        raise
    except Exception as error:
        if isinstance(request.options.guide, str):
            raise
        raise ZooError(
            f"the guide {request.options.guide_name} cannot run on this data: {describe_error(error)}"
        ) from error


def check_start_density(request: FitRequest[SVIOptions], guide: object) -> None:
    """Raise ZooError where the density is 0 at the start of the options; another start is replaced by the guide."""
    if request.options.start is not None and not getattr(guide, "has_possible_start", True):
        raise DensityError("the log density is -inf at the start of the fit: give start=, a dict of possible values")


def check_sites(program: Sequence[str], guide: Sequence[str]) -> None:
    """Raise ZooError unless the guide has every latent of the program and no other."""
    missing = [n for n in program if n not in guide]
    extra = [n for n in guide if n not in program]
    if missing:
        raise ZooError(
            f"the guide has no site {', '.join(missing)}; it must have one for each latent: {', '.join(program)}"
        )
    if extra:
        raise ZooError(
            f"the guide has {', '.join(extra)}, which the program does not; "
            f"its latents: {', '.join(program)} (mark help variables infer={{'is_auxiliary': True}})"
        )


def check_plates(program: Sequence[str], guide: Sequence[str], rows: str) -> None:
    """Raise ZooError where a latent of the rows is outside of their plate in the guide, which takes batches of them.

    program, guide: the latents in the plate. rows: the name of the plate.
    """
    outside = [n for n in program if n not in guide]
    if outside:
        raise ZooError(
            f"the guide has {', '.join(outside)} outside of the plate {rows}, in which the program has it: batches "
            "need the same plate in both"
        )


def check_parameters(names: Sequence[str]) -> None:
    """Raise ZooError where there are no parameters to train."""
    if not names:
        raise ZooError("neither the guide nor the program has parameters to train: give the guide param statements")
