"""The arguments that ``zoo fit`` and ``zoo compare`` share: of a model of the zoo, or of a program of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import zoo
from zoo._programs.reading import Choices
from zoo.cards import Card
from zoo.cli.arguments import engine_options, load_data, parse_assignments
from zoo.cli.console import PLAIN, stdout
from zoo.cli.programs.calls import ProgramCall
from zoo.cli.programs.choices import NO_CHOICES
from zoo.cli.programs.files import is_program_file
from zoo.data.csv_files import CsvOptions
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    from inference import Fit


@dataclass
class CommandRequest:
    """The arguments of the command that every engine shares."""

    model: str
    words: list[str] | None
    data: list[str] | None
    columns: str | None
    vocab: str | None
    settings: list[str] | None
    options: list[str] | None
    choices: Choices
    csv: CsvOptions
    backend: str | None
    seed: int
    device: str
    dtype: str | None
    progress: bool | None
    id_column: str | None = None

    def __post_init__(self) -> None:
        if not self.is_own:
            if self.words:
                raise ZooError(f"{self.words[0]!r} is no option: a setting of {self.model} is --set NAME=VALUE")
            if self.choices != NO_CHOICES:
                raise ZooError(
                    "--rows, --row-arguments, --dims and --coords are for a program of your own, and "
                    f"{self.model} is a model of the zoo"
                )
            if self.data and len(self.data) > 1:
                raise ZooError(f"{self.model} takes one --data; given {len(self.data)}")
            return
        for flag, value in (("--columns", self.columns), ("--vocab", self.vocab), ("--id", self.id_column)):
            if value:
                raise ZooError(f"{flag} is for models of the zoo; a program takes its columns as ARGUMENT=COL1,COL2")

    @property
    def is_own(self) -> bool:
        """Whether the model is a program of a file."""
        return is_program_file(self.model)

    @cached_property
    def call(self) -> ProgramCall:
        """The program of a file with its arguments."""
        words = [*(self.words or ()), *(self.settings or ())]
        return ProgramCall.from_words(self.model, self.data or (), words, self.backend, self.csv)

    @cached_property
    def program(self) -> zoo.Model:
        """The model: a program of a file is read with its arguments. Raises ZooError."""
        if not self.is_own:
            settings = parse_assignments(self.settings or (), "--set")
            return zoo.load(self.model, backend=self.backend or "numpyro", **settings)
        read = self.call.describe(self.call.read(self.choices))
        for line in self.call.coding():
            stdout().print(line, **PLAIN)
        return read

    @property
    def card(self) -> Card:
        """The card of the model."""
        return self.program.card if self.is_own else zoo.card(self.model)

    @property
    def shows_progress(self) -> bool:
        """Whether to show progress: as the flag says, else where stderr is a terminal."""
        return sys.stderr.isatty() if self.progress is None else self.progress

    def load_table(self, card: Card) -> DataLike:
        """The data of a model of the zoo, from the file or the data set named; raises ZooError."""
        file = self.data[0] if self.data else None
        return load_data(card, file, self.columns, self.vocab, self.csv, self.id_column)

    def supported_engines(self) -> list[str]:
        """The engines that can fit the model, the one to try first at the front; raises Refusal where none can."""
        from inference.engines import supported_engines

        return supported_engines(self.card, self.program.backend if self.is_own else self.backend or "numpyro")

    def fits(self, engines: list[str]) -> Iterator[Fit]:
        """Yield one fit after another; raises ZooError for arguments that are not allowed before the first fit."""
        import inference

        program = self.program
        reasons = inference.refusals(program)
        options = engine_options(engines, self.options or (), program.card)
        data: tuple[Any, ...] = ()
        if self.is_own:
            self.use_own_guide(options)
        else:
            data = (self.load_table(program.card),)
        common = {
            "seed": self.seed,
            "device": self.device,
            "dtype": self.dtype,
            "progress": self.shows_progress,
        }
        for engine in sorted(options, key=lambda e: not reasons[e]):  # an engine that refuses raises first
            with self.call.explained() if self.is_own else nullcontext():
                result = inference.fit(program, *data, engine=engine, **common, **options[engine])
            yield result

    def use_own_guide(self, options: dict[str, dict[str, Any]]) -> None:
        """Replace the name of a guide by the function of that name, where the program's file has one."""
        for chosen in options.values():
            name = chosen.get("guide")
            if isinstance(name, str) and hasattr(self.call.file.module, name):
                chosen["guide"] = self.call.file.guide(name)
