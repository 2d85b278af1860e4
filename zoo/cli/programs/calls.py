"""A program of a file with the arguments of the command line: read, with the labels of words as coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import zoo
from zoo._programs.arguments import signature_parameters
from zoo._programs.reading import Choices
from zoo.cli.programs.choices import NO_CHOICES
from zoo.cli.programs.columns import Call, Columns, map_arguments
from zoo.cli.programs.failures import explain, statement
from zoo.cli.programs.files import ProgramFile, load_program_file
from zoo.data.csv_files import NO_OPTIONS, CsvOptions
from zoo.errors import ZooError
from zoo.read_model import read_arguments


@dataclass(frozen=True)
class ProgramCall:
    """A program of a file, the arguments of its call, and the columns that they are from."""

    file: ProgramFile
    model: zoo.Model
    call: Call
    columns: Columns

    @classmethod
    def from_words(
        cls, text: str, data: Sequence[str], words: Sequence[str], backend: str | None, csv: CsvOptions = NO_OPTIONS
    ) -> ProgramCall:
        """``FILE.py:PROGRAM``, the files of ``--data`` and ``argument=value`` pairs; raises ZooError."""
        file = load_program_file(text, backend)
        columns = Columns.read(data, csv)
        program = file.program
        call = map_arguments(program, columns, parse_words(words))
        return cls(file, zoo.Model(program, backend=file.backend), call, columns)

    def read(self, choices: Choices = NO_CHOICES) -> zoo.ReadModel:
        """The program as ``zoo.read`` reads it, words as coordinates of the dimensions that their column indexes."""
        try:
            read = read_arguments(self.model, self.call.args, self.call.kwargs, choices)
        except ZooError as error:
            raise ZooError(self.explain_error(error)) from error
        coords = self.coords(read.reading.sizes)
        if not coords:
            return read
        reading = read.reading.with_card(coords={**coords, **read.card.coords})
        choices = replace(reading.choices, coords={**coords, **reading.choices.coords})
        return zoo.ReadModel(read.source, replace(reading, choices=choices), read.settings)

    def describe(self, read: zoo.ReadModel) -> zoo.ReadModel:
        """The program as it was read, with what its density tells; raises ZooError where the program raises."""
        from inference.structure import describe_density

        with self.explained():
            return describe_density(read)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the program raises into a ZooError of one line; exceptions that it has no part in remain."""
        try:
            yield
        except ZooError:
            raise
        except Exception as error:  # whatever the program raises
            if not statement(error, self.file.path):
                raise
            raise ZooError(f"{self.model.name} fails: {explain(error, self.file.path)}") from error

    def explain_error(self, error: ZooError) -> str:
        """The error of a program that cannot be read, with the line of the file or the arguments that have no value."""
        cause = error.__cause__
        if cause is not None and not isinstance(cause, ZooError):
            return f"{self.model.name} cannot run on this data: {explain(cause, self.file.path)}"
        if "observes nothing" not in str(error):
            return str(error)
        parameters = signature_parameters(self.model.program)
        absent = [p.name for p in parameters if p.default is None and p.name not in self.call.kwargs]
        columns = ", ".join(self.columns.values) or "none"
        return f"{error}; arguments without a value: {', '.join(absent) or 'none'}; columns: {columns}"

    def coords(self, sizes: Mapping[str, int]) -> dict[str, list[str]]:
        """The words of coded columns by the dimension that they index: one of its name and of as many labels."""
        coords = {}
        for argument, sources in self.call.sources.items():
            words = self.columns.labels.get(sources[0], []) if len(sources) == 1 else []
            for dim, size in sizes.items():
                if dim != "N" and words and size == len(words) and is_named_alike(dim, argument, sources):
                    coords[dim] = words
        return coords

    def lines(self) -> list[str]:
        """Lines on the columns of the arguments, on those that are not used, and on how words are coded."""
        used = {name for sources in self.call.sources.values() for name in sources}
        pairs = [f"{n}={','.join(sources)}" for n, sources in self.call.sources.items() if sources]
        rest = [name for name in self.columns.values if name not in used]
        lines = [f"columns: {', '.join(pairs)}"] if pairs else []
        lines += [f"columns not used: {', '.join(rest)}"] if rest else []
        return [*lines, *self.coding()]

    def coding(self) -> list[str]:
        """One line for each column of words in use."""
        return self.columns.describe_coding([n for sources in self.call.sources.values() for n in sources])


def parse_words(words: Sequence[str]) -> dict[str, str]:
    """``["X=age,height"]`` as texts by argument; raises ZooError.

    >>> parse_words(["X=age,height", "K=3"])
    {'X': 'age,height', 'K': '3'}
    """
    parsed: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals and text):
            raise ZooError(f"an argument of the program reads NAME=VALUE, as in X=age,height; given {word!r}")
        if name in parsed:
            raise ZooError(f"{name} is given twice")
        parsed[name] = text
    return parsed


def is_named_alike(dim: str, argument: str, sources: Sequence[str]) -> bool:
    """Whether a dimension has the name of an argument or of a column that it is read from.

    >>> is_named_alike("counties", "group", ["county"])
    True
    """
    return stem(dim) in {stem(argument), *map(stem, sources)}


def stem(name: str) -> str:
    """A name without what distinguishes a plate from the column that indexes it.

    >>> stem("counties_plate"), stem("county"), stem("school_idx")
    ('county', 'county', 'school')
    """
    parts = [p for p in name.lower().split("_") if p not in ("plate", "idx", "index", "id", "code", "num", "n")]
    text = "_".join(parts)
    if text.endswith("ies"):
        return f"{text[:-3]}y"
    return text.removesuffix("s")
