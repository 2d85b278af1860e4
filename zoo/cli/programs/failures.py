"""What a program raised, in words of plates, sites and lines of its file."""

from __future__ import annotations

import linecache
import re
import traceback
from pathlib import Path

from zoo.errors import describe_error

MAX_STATEMENT = 60  # characters of the statement that are printed
OWN_DIMS = "give each a dim of its own, as dim=-1 and dim=-2"


def explain(error: BaseException, path: Path | None = None) -> str:
    """One line for an exception that a program raised: the statement, what is wrong there and what to do.

    Parameters
    ----------
    error : BaseException
        As the program raised it.
    path : Path, optional
        The file of the program, whose last line in the traceback is named.

    Returns
    -------
    str
    """
    line = describe_error(error)
    advice = advise(error, line.partition(": ")[2])
    return f"{statement(error, path)}{advice or line}"


def advise(error: BaseException, text: str) -> str:
    """What is wrong and what to do, for the exceptions that the libraries raise for mistakes of a program; else ""."""
    clash = re.search(r'at plates "([^"]*)" and "([^"]*)", collide at dim=(-\d+)', text)
    if clash:
        first, second, dim = clash.groups()
        return (
            f"plates {first!r} and {second!r} are both at dim={dim}: give each a dim of its own, as dim=-1 and dim=-2"
        )
    if isinstance(error, AssertionError) and "occupied_dims" in last_line(error):
        return f"this plate has the dim of a plate around it: {OWN_DIMS}"
    twice = re.search(r"unique names but got `([^`]*)`|Multiple (?:sample |param )?sites named '([^']*)'", text)
    if twice:
        name = twice[1] or twice[2]
        return f"the name {name!r} is used twice: every sample statement, param and plate needs a name of its own"
    shape = re.search(r"Shape mismatch inside plate\('([^']*)'\) at site (\S+) dim (-?\d+), (\d+) vs (\d+)", text)
    if shape:
        plate, site, dim, size, given = shape.groups()
        return f"{site} has {given} values along dim={dim}, where plate {plate!r} has {size}: they must agree"
    if type(error).__name__ == "TracerBoolConversionError":
        return "the program branches on a random value: compute both and choose by jnp.where or lax.cond"
    if text.startswith("subsample_size does not match"):
        return "this plate has a subsample_size, and the engines choose the rows: leave it out, and give svi batch_size"
    if "ncompatible shapes" in text or "must match the size of tensor" in text or "got incompatible" in text:
        return f"shapes do not fit together ({text}): compare the plate's size with the arrays of this statement"
    return ""


def last_line(error: BaseException) -> str:
    """The source line that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].line or "") if frames else ""


def statement(error: BaseException, path: Path | None) -> str:
    """The line of the file that an exception passed through last, with its text; "" where there is none."""
    if path is None:
        return ""
    files = {str(path), str(path.resolve())}
    lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    if not lines:
        return ""
    number = lines[-1].lineno or 0
    text = linecache.getline(lines[-1].filename, number).strip()
    text = text if len(text) <= MAX_STATEMENT else f"{text[:MAX_STATEMENT]}..."
    return f"line {number}, {text!r}: "
