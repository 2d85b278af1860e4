"""A program of the user's own, read once with each size of a range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from inference.structure import describe_density
from zoo import Model, ReadModel, ZooError
from zoo._programs.arguments import signature_parameters, split_call
from zoo._programs.reading import Choices
from zoo.read_model import read_arguments
from zoo.types import DataLike


def models_by_argument(model: Model, data: DataLike, options: Mapping[str, Any]) -> tuple[str, dict[int, Model]]:
    """The argument of the program that varies, and the program read at each of its values.

    Raises ZooError unless exactly one argument of the program is a range of sizes.
    """
    source = model.source if isinstance(model, ReadModel) else model
    known = [p.name for p in signature_parameters(source.program)]
    given = [n for n in options if n in known]
    if len(given) != 1:
        raise ZooError(
            f"choose varies one argument of {model.name}, one of {', '.join(known)}: give it as in "
            f"{known[-1]}=range(1, 7); given {', '.join(given) or 'none'}"
        )
    (name,) = given
    sizes = options[name]
    if not isinstance(sizes, Iterable) or isinstance(sizes, str):
        raise ZooError(f"choose varies {name}: give sizes, as in {name}=range(1, 7), not {sizes!r}")
    sizes = list(sizes)
    if not sizes or not all(isinstance(size, int) for size in sizes):
        raise ZooError(f"choose varies {name} over whole numbers: give {name}=range(1, 7), not {options[name]!r}")
    args, keywords, choices = call_of(model, data)
    keywords = {n: v for n, v in keywords.items() if n != name}
    read = {size: read_arguments(source, args, {**keywords, name: size}, choices) for size in sizes}
    return name, {size: describe_density(one) for size, one in read.items()}


def call_of(model: Model, data: DataLike) -> tuple[tuple[object, ...], dict[str, object], Choices]:
    """The arguments of the program beside the one that varies: those of the reading, or the data given."""
    if data is None and isinstance(model, ReadModel):
        arguments = model.reading.runnable.arguments
        if any(n not in {p.name for p in signature_parameters(model.source.program)} for n in arguments.values):
            raise ZooError(f"{model.name} takes *args: give its arguments by name, choose(model, data=dict(...), ...)")
        return (), dict(arguments.values), model.reading.choices
    source = model.source if isinstance(model, ReadModel) else model
    args = data if isinstance(data, tuple) else (data,) if data is not None else ()
    args, keywords, _ = split_call(source.program, args, {}, lambda name: False)
    return args, keywords, model.reading.choices if isinstance(model, ReadModel) else Choices()
