"""A progress bar on stderr, the same for every engine."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich is imported where a bar is shown
    from rich.progress import Progress as Bar


class Progress:
    """A progress bar, as ``with Progress("nuts", total, enabled=True) as bar: bar.update(done, message)``.

    Parameters
    ----------
    name : str
        What is running, to the left of the bar.
    total : int
        Steps in all.
    enabled : bool
        Whether to show the bar; where False, nothing is shown, and rich is not imported.
    """

    def __init__(self, name: str, total: int, enabled: bool):
        self.name, self.total, self.enabled = name, total, enabled
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        if self.enabled:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description:>5}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[message]}"),
            )
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(self.name, total=self.total, message="")
        return self

    def update(self, done: float, message: str = "") -> None:
        """Show that ``done`` of the total is done, and a message to the right of the bar.

        Parameters
        ----------
        done : float
            Steps done so far.
        message : str, optional
            Such as the objective.
        """
        if self._bar:
            self._bar.update(self._task, completed=done, message=message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            if kind is None:  # a run that converges early is complete
                self._bar.update(self._task, total=max(1, self._bar.tasks[0].completed))
            self._bar.stop()
