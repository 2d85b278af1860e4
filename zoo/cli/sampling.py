"""``zoo sample``: images from a saved fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import check_writable
from zoo.cli.console import stdout
from zoo.errors import ZooError

SUFFIXES = (".png", ".pdf", ".svg")


def sample(
    folder: Annotated[Path, typer.Argument(help="Folder that zoo fit --out wrote.")],
    grid: Annotated[str, typer.Option(help="Rows x columns of images.")] = "8x8",
    to: Annotated[Path, typer.Option("--out", help=f"File to draw in: {', '.join(SUFFIXES)}.")] = Path("samples.png"),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    mean: Annotated[
        bool, typer.Option("--mean/--no-mean", help="The mean of each image given its code, or an image drawn.")
    ] = True,
    y: Annotated[
        int | None, typer.Option("--y", help="Class of all images, where the model has classes.", show_default="drawn")
    ] = None,
    temperature: Annotated[
        float, typer.Option(help="Factor of the standard deviation of every normal latent, above 0.")
    ] = 1.0,
    size: Annotated[str | None, typer.Option(help="Height x width of an image.", show_default="square")] = None,
    backend: Annotated[str | None, typer.Option(help="numpyro or pyro.", show_default="that of the fit")] = None,
) -> None:
    """Draw images from a saved fit: from codes that the prior draws."""
    shape, image = parse_size("--grid", grid), parse_size("--size", size) if size else None
    if to.suffix.lower() not in SUFFIXES:
        raise ZooError(f"cannot draw in {str(to)!r}: name a file that ends in {', '.join(SUFFIXES)}")
    check_writable(to)
    import inference
    from inference.analysis.latents import figures

    fit = inference.load(folder, backend=backend, device="cpu")
    figure = figures.samples(fit, shape, seed, mean, y, image, temperature)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to)
    stdout().print(f"{shape[0] * shape[1]} images: {to}", markup=False, soft_wrap=True)


def parse_size(flag: str, text: str) -> tuple[int, int]:
    """Two whole numbers from 1 up; raises ZooError.

    >>> parse_size("--grid", "8x4")
    (8, 4)
    """
    found = re.fullmatch(r"([1-9]\d{0,3})[x×]([1-9]\d{0,3})", text.strip().lower())
    if not found:
        raise ZooError(f"{flag} reads two whole numbers from 1 up, as in {flag} 8x8; given {text!r}")
    return int(found[1]), int(found[2])
