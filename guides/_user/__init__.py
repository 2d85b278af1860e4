"""Guides that the user gives: a function of the program's arguments, an AutoGuide of the backend, or a shared guide.

Each ``in_<backend>.py`` has

    AUTO_GUIDES                      the base class of the backend's automatic guides
    REFUSED                          names of those that cannot be used, with the reason
    from_class(guide, program, start)
    rebuild(guide, own, program, run_part)
                                     the automatic guide for ``program`` in place of the user's ``own``; ``run_part``
                                     presents functions with the program's arguments in the form that engines run
    with_parameters(guide)           a guide with its parameters as arrays
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import TypeAlias

from guides._shared import Shared
from zoo import Model, ReadModel, ZooError
from zoo._backend import in_backend
from zoo._programs.arguments import program_name, signature_parameters
from zoo.types import BackendArray, Program

GuideFactory: TypeAlias = Callable[[Program, BackendArray], Program]  # guide(program, start)


def factory_of(guide: Program, model: Model) -> GuideFactory:
    """The function ``guide(program, start)`` of what the user gives; raises ZooError where it cannot be a guide."""
    module = in_backend(__name__, model.backend)
    if is_auto_guide(guide, model.backend):
        return auto_guide_factory(module, guide, model)
    if isinstance(guide, Shared):
        return shared_guide_factory(module, guide, model)
    if is_factory(guide):
        return lambda program, start: module.with_parameters(guide(program, start))
    if isinstance(model, ReadModel):
        runnable = make_runnable(guide, model)
        return lambda program, start: runnable
    return lambda program, start: module.with_parameters(guide)


def is_auto_guide(guide: Program, backend: str) -> bool:
    """Whether this is a class of automatic guides of the backend, or an instance of one."""
    base = in_backend(__name__, backend).AUTO_GUIDES
    return issubclass(guide, base) if inspect.isclass(guide) else isinstance(guide, base)


def auto_guide_factory(module: ModuleType, guide: Program, model: Model) -> GuideFactory:
    """The factory of an automatic guide: of a class begun at the start, of an instance with its own options."""
    kind: type = guide if inspect.isclass(guide) else type(guide)  # type: ignore[assignment]
    for refused, reason in module.REFUSED.items():
        if any(base.__name__ == refused for base in kind.__mro__):
            raise ZooError(f"guide={kind.__name__} {reason}")
    if inspect.isclass(guide):
        if kind.__name__ == "AutoGuideList":
            raise ZooError("guide=AutoGuideList is a class without parts: give AutoGuideList(program) with its parts")
        return lambda program, start: module.with_parameters(module.from_class(guide, program, start))
    own = [model.program, model.source.program] if isinstance(model, ReadModel) else [model.program]
    run_part = (lambda part: make_runnable(part, model)) if isinstance(model, ReadModel) else (lambda part: part)
    return lambda program, start: module.with_parameters(module.rebuild(guide, own, program, run_part))


def shared_guide_factory(module: ModuleType, guide: Shared, model: Model) -> GuideFactory:
    """The factory of a guide that runs the program: posterior and encoder have the arguments of the user's program."""
    SharedGuide, encoder, arguments = in_backend("guides._shared", model.backend).SharedGuide, guide.encoder, None
    if isinstance(model, ReadModel):
        encoder = encoder and make_runnable(encoder, model)
        signature = inspect.Signature(signature_parameters(model.reading.runnable.program))

        def bind(*args: BackendArray, **kwargs: BackendArray) -> dict[str, BackendArray]:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return bound.arguments

        arguments = make_runnable(bind, model)
    return lambda program, start: module.with_parameters(
        SharedGuide(program, guide.posterior, encoder, guide.separate, arguments)
    )


def is_factory(guide: Program) -> bool:
    """Whether a function makes a guide for a program, and is not one itself.

    >>> is_factory(lambda program, start: None), is_factory(lambda x, y: None)
    (True, False)
    """
    return [p.name for p in signature_parameters(guide)][:1] == ["program"]


def make_runnable(guide: Program, model: ReadModel) -> Program:
    """A guide with the arguments of the user's program, in the form that engines run: see ``zoo._programs.runnable``.

    The rows, minibatches and arrays are those of the program. Raises ZooError for a guide with other arguments.
    """
    program = model.reading.runnable
    arguments = program.arguments
    order = [p.name for p in signature_parameters(program.program)]
    names = sorted(arguments.values, key=lambda n: order.index(n) if n in order else len(order))
    signature = inspect.Signature(signature_parameters(guide))
    if not can_bind(signature, (), names) or arguments.positional:  # other names, or arguments without any
        if not can_bind(signature, names, ()):
            own = ", ".join(signature.parameters) or "nothing"
            raise ZooError(
                f"the guide {program_name(guide)} takes {own}, and {program.__name__} is called with "
                f"{', '.join(names) or 'nothing'}: give the guide the arguments of the program"
            )
        arguments = replace(arguments, positional=tuple(names))
    return type(program)(
        guide,
        arguments,
        program.entry_of_site,
        program.rows_plate,
        program.batch_sites,
        program.row_entries,
        {},
        program.static,
    )


def can_bind(signature: inspect.Signature, positional: Sequence[str], keywords: Sequence[str]) -> bool:
    """Whether a call with these arguments fits the signature."""
    try:
        signature.bind(*positional, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True
