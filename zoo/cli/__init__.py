"""The command ``zoo``. Help, ``list`` and ``show`` import no backend; an error is one red line on stderr.

Exit codes: 0 done; 2 the arguments are not allowed; 130 interrupted.
"""

from __future__ import annotations

import shlex
import warnings
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from zoo.cli import checking, choosing, fitting, gradients, models, rows, sampling
from zoo.cli.console import print_error, print_warning
from zoo.errors import ZooError, ZooWarning


class OneLineErrors(TyperGroup):
    """Commands that print a ZooError as one line on stderr; other exceptions keep their traceback.

    The line of the command is ``context.meta["command"]``, for reports.
    """

    def make_context(self, info_name: str | None, args: list[str], *arguments: Any, **extra: Any) -> Any:
        line = shlex.join(["zoo", *args])  # before the arguments are parsed, which empties them
        context = super().make_context(info_name, args, *arguments, **extra)
        context.meta["command"] = line
        return context

    def invoke(self, ctx: Any) -> object:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", ZooWarning)
                warnings.showwarning = print_one_line
                return super().invoke(ctx)
        except ZooError as error:
            print_error(str(error))
            raise typer.Exit(2) from error
        except BrokenPipeError:
            raise  # the reader of a pipe left: typer closes quietly
        except OSError as error:
            print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            print_error("interrupted; only what was saved is kept")
            raise typer.Exit(130) from error


def print_one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line on stderr."""
    print_warning(f"warning: {message}")


app = typer.Typer(
    cls=OneLineErrors,
    help="Latent variable models, fitted and compared: which posterior may I trust?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(models.list_models)
app.command("show")(models.show)
app.command("check")(checking.check)
app.command("fit")(fitting.fit)
app.command("compare")(fitting.compare)
app.command("choose")(choosing.choose)
app.command("gradients")(gradients.gradients)
app.command("summary")(fitting.summary)
app.command("predict")(rows.predict)
app.command("scores")(rows.scores)
app.command("impute")(rows.impute)
app.command("sample")(sampling.sample)


def main() -> None:
    """Run the command line."""
    app(prog_name="zoo")
