"""Sizes that a program takes as keywords, read off the data where the user leaves them out.

Programs in the form of the zoo's own take ``*, N, D, K``: their data has default None, and a site of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np

from zoo._programs.arguments import Arguments, signature_parameters
from zoo.errors import ZooError
from zoo.types import Program

PLACEHOLDERS = (7, 5, 11, 13, 17, 19, 23)  # sizes to run a program with, to see which dimension has which


def missing_sizes(program: Program, kwargs: Mapping[str, object]) -> list[str]:
    """Keyword-only arguments of one capital letter without a value."""
    return [
        p.name
        for p in signature_parameters(program)
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in kwargs and is_letter(p.name)
    ]


def is_letter(name: str) -> bool:
    """Whether a name is one capital letter."""
    return len(name) == 1 and name.isupper()


def complete_sizes(
    module: ModuleType, program: Program, args: tuple[object, ...], kwargs: dict[str, object]
) -> dict[str, object]:
    """The keywords with the sizes that the data has; raises ZooError for a size that no data tells."""
    letters = missing_sizes(program, kwargs)
    if not letters:
        return kwargs
    given = [v for v in kwargs.values() if isinstance(v, int)]
    free = [size for size in PLACEHOLDERS if size not in given]
    trial = dict(zip(letters, free, strict=False))
    arguments = Arguments.from_call(program, args, {**kwargs, **trial})
    data = {path[0]: arguments.arrays[n] for n, path in arguments.paths.items() if len(path) == 1}
    blank = arguments.without(list(map(str, data)))
    sites = module.trace(module.RunnableProgram(program, blank, {}), {})
    sizes: dict[str, int] = {}
    by_placeholder = {size: letter for letter, size in trial.items()}
    for name, array in data.items():
        shape = sites[name].shape if name in sites else ()
        if len(shape) != array.ndim:
            continue
        for placeholder, size in zip(shape, array.shape, strict=True):
            letter = by_placeholder.get(placeholder)
            if letter and sizes.setdefault(letter, size) != size:
                raise ZooError(f"{letter}={sizes[letter]} but {name} has {letter}={size}: they must agree")
    unknown = [letter for letter in letters if letter not in sizes]
    if unknown and data:
        raise ZooError(f"{getattr(program, '__name__', 'the program')} needs {', '.join(f'{k}=...' for k in unknown)}")
    return {**kwargs, **trial, **sizes}


def simulate_data(module: ModuleType, program: Program, kwargs: dict[str, object]) -> dict[str, np.ndarray]:
    """Data for the arguments that have default None and a site of their name, drawn from the program."""
    names = [p.name for p in signature_parameters(program) if p.default is None and p.name not in kwargs]
    blank = Arguments.from_call(program, (), kwargs)
    values = module.simulate(module.RunnableProgram(program, blank, {}))
    return {n: values[n] for n in names if n in values}
