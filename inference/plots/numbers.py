"""Numbers as text, with their errors, to the digits that the errors allow."""

from __future__ import annotations

import math

LARGEST, LEAST = 1e7, 1e-4  # numbers beyond them are printed with a power of ten


def with_error(value: float, error: float) -> str:
    """A number with its standard error, to the digits that the error allows; without one to four digits.

    The error has two digits if it begins with 3.54 or less, and else one (the rule of the Particle Data Group).

    >>> with_error(0.123456, 0.0021), with_error(1234.5, 7.0), with_error(812345.0, 12345.0)
    ('0.1235 ± 0.0021', '1234 ± 7', '812000 ± 12000')
    >>> with_error(1.23456e-7, 4e-10), with_error(0.0, 0.0), with_error(1 / 3, math.nan), with_error(math.nan, 1.0)
    ('(1.235 ± 0.004)e-07', '0', '0.3333', '')
    """
    if not math.isfinite(value):
        return ""
    if not 0 < error < math.inf:
        return f"{value:.4g}"
    places, size = decimal_places(error), max(abs(value), error)
    if LEAST <= size < LARGEST:
        return f"{fixed(value, places)} ± {fixed(error, places)}"
    exponent = math.floor(math.log10(size))
    number, its_error = (fixed(v / 10**exponent, places + exponent) for v in (value, error))
    return f"({number} ± {its_error})e{exponent:+03d}"


def to_digits(value: float, error: float) -> str:
    """A number alone, to the digits that an error allows.

    >>> to_digits(0.123456, 0.0021), to_digits(2871.0, 150.0), to_digits(1 / 3, math.nan), to_digits(1.2345e-9, 2e-12)
    ('0.1235', '2870', '0.3333', '1.2345e-09')
    """
    if not math.isfinite(value):
        return ""
    if not 0 < error < math.inf or value == 0:
        return f"{value:.4g}"
    places = decimal_places(error)
    if LEAST <= abs(value) < LARGEST:
        return fixed(value, places)
    return f"{value:.{max(places + math.floor(math.log10(abs(value))), 0)}e}"


def two_digits(value: float) -> str:
    """A number to two digits.

    >>> two_digits(2849.3), two_digits(6.55), two_digits(4.02), two_digits(math.nan)
    ('2800', '6.5', '4.0', '')
    """
    if math.isnan(value):
        return ""
    text = f"{value:#.2g}"
    return f"{float(text):.10g}" if "e" in text else text.rstrip(".")


def decimal_places(error: float) -> int:
    """How many decimal places an error allows; -1 means tens.

    >>> decimal_places(0.0021), decimal_places(7.0), decimal_places(12345.0)
    (4, 0, -3)
    """
    exponent = math.floor(math.log10(error))
    return (1 if error / 10**exponent < 3.55 else 0) - exponent


def fixed(value: float, places: int) -> str:
    """A number to some decimal places; to tens or hundreds where they are negative."""
    return f"{round(value, places):.{max(places, 0)}f}"
