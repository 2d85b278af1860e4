"""One progress bar for every engine, on stderr, and nothing at all where it is not wanted."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """``with Progress("nuts", total, wanted) as bar: bar.at(done, "what to say")``."""

    def __init__(self, name: str, total: int, wanted: bool):
        self.name, self.total, self.wanted = name, total, wanted
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self.wanted:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description:>5}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            )
            self._bar = Bar(
                *columns, TimeElapsedColumn(), TextColumn("{task.fields[said]}"), console=Console(stderr=True)
            )
            self._bar.start()
            self._task = self._bar.add_task(self.name, total=self.total, said="")
        return self

    def at(self, done: float, said: str = "") -> None:
        """Show that ``done`` of the total is done."""
        if self._bar:
            self._bar.update(self._task, completed=done, said=said)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            if kind is None:  # finishing early is finishing
                self._bar.update(self._task, total=max(1, self._bar.tasks[0].completed))
            self._bar.stop()
