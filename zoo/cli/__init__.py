"""The command ``zoo``. Help, ``list`` and ``show`` import no backend; what cannot be done is said in one red line.

Exit codes: 0 done; 2 the zoo cannot do as asked, or the command line is wrong; 130 interrupted.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from zoo.cli import fitting, looking, sampling
from zoo.cli.console import complain
from zoo.errors import ZooError


class OneLine(TyperGroup):
    """Commands whose errors are one line on stderr, never a traceback; a bug of the zoo's keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ZooError as error:
            complain(str(error))
            raise typer.Exit(2) from error
        except BrokenPipeError:
            raise  # the reader of a pipe left: typer closes quietly
        except OSError as error:
            complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            complain("interrupted; only what was saved is kept")
            raise typer.Exit(130) from error


app = typer.Typer(
    cls=OneLine,
    help="Latent variable models, fitted and compared: which posterior may I trust?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(looking.list_models)
app.command("show")(looking.show)
app.command("fit")(fitting.fit)
app.command("compare")(fitting.compare)
app.command("summary")(fitting.summary)
app.command("sample")(sampling.sample)


def main() -> None:
    """Run the command line."""
    app(prog_name="zoo")
