"""The guide of a run of SVI, and the checks that need the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import guides
import zoo
from inference.engines.contract import FitRequest
from inference.engines.svi.options import SVIOptions
from zoo.errors import ZooError


def check_request(request: FitRequest[SVIOptions]) -> None:
    """Raise ZooError where an option does not suit the model or the data."""
    options, card = request.options, request.card
    size, guide = options.batch_size, options.guide
    if size is not None and size > request.rows:
        raise ZooError(f"batch_size is a whole number from 1 to the {request.rows} rows; given {size!r}")
    if isinstance(guide, str) and guide != card.name and (card.networks or card.learned):
        raise ZooError(
            f"guide={guide!r} cannot be trained beside what {card.name} learns: leave guide out, or write one"
        )
    if isinstance(guide, str) and guide != card.name and guide in zoo.names():
        raise ZooError(f"guide={guide!r} reads the rows of {guide} and not those of {card.name}: name another")


def guide_of(options: SVIOptions, backend: str) -> Callable[..., Any]:
    """The function ``guide(program, start)`` that the option names, or is; raises ZooError for a name nobody knows."""
    given = options.guide
    if callable(given):
        return given
    return guides.load(given, backend)


def is_amortised(request: FitRequest[SVIOptions]) -> bool:
    """Whether the guide reads rows, and so can be given some of them: the model's own does, and so must one of the
    user's where rows have latents and come in batches."""
    given = request.options.guide
    local = [n for n in request.card.local(request.keywords) if n not in request.card.enumerated]
    return given == request.card.name or bool(callable(given) and request.options.batch_size and local)


def check_sites(program: Sequence[str], guide: Sequence[str]) -> None:
    """A guide has every latent of the program and no other; raises ZooError naming the ones at fault."""
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


def check_parameters(names: Sequence[str]) -> None:
    """Steps change parameters: raises ZooError where there are none."""
    if not names:
        raise ZooError("neither the guide nor the program has parameters to train: give the guide param statements")
