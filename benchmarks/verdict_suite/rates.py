"""Tables of the error rates: the unit is the problem, as fits of one problem are not independent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.stats import beta

from benchmarks.verdict_suite.judging import Row

TRUSTS = ("yes", "means only", "unclear", "no")


def print_tables(rows: Sequence[Row]) -> None:
    """The confusion matrix by setting, kind of fit and kind of problem, then the rates by fit and by family."""
    for multimodal in (False, True):
        for kind in dict.fromkeys(r.kind for r in rows):
            for setting in dict.fromkeys(r.setting for r in rows):
                part = [r for r in rows if (r.is_multimodal, r.kind, r.setting) == (multimodal, kind, setting)]
                if part:
                    modes = "several modes" if multimodal else "one mode"
                    print(f"\n{kind}, {setting}, {modes}: {len({r.problem for r in part})} problems, {len(part)} fits")
                    print_confusion(part)
    print("\nP(yes | wrong) by fit, and P(no | sound), in the settings above")
    print_by(rows, lambda r: r.fit)
    print("\nthe same by family")
    print_by(rows, lambda r: r.family)


def print_confusion(rows: Sequence[Row]) -> None:
    """Verdict by truth, and both rates with 95% intervals."""
    truths: dict[str, Callable[[Row], bool]] = {
        "wrong": lambda r: r.is_wrong,
        "between": lambda r: not (r.is_wrong or r.is_sound),
        "sound": lambda r: r.is_sound and not r.is_wrong,
    }
    print(f"{'':10}" + "".join(f"{trust:>12}" for trust in TRUSTS))
    for name, holds in truths.items():
        part = [r for r in rows if holds(r)]
        print(f"{name:10}" + "".join(f"{sum(r.trust == trust for r in part):12}" for trust in TRUSTS))
    wrong, sound = ([r for r in rows if truths[name](r)] for name in ("wrong", "sound"))
    print(f"P(yes | wrong) {rate_text(wrong, 'yes')}; P(no | sound) {rate_text(sound, 'no')}")


def rate_text(rows: Sequence[Row], trust: str) -> str:
    """A rate with its interval."""
    if not rows:
        return "-"
    rate, low, high = rate_with_interval(rows, trust)
    return f"{rate:.1%} [{low:.1%}, {high:.1%}]"


def rate_with_interval(rows: Sequence[Row], trust: str) -> tuple[float, float, float]:
    """The rate of a verdict, the mean over problems of that of their fits, with its 95% interval.

    The interval is Clopper and Pearson's with the number of problems as the number of trials, as if the fits of a
    problem were one.
    """
    by_problem: dict[str, list[bool]] = {}
    for r in rows:
        by_problem.setdefault(r.problem, []).append(r.trust == trust)
    shares = np.array([np.mean(v) for v in by_problem.values()])
    count, n = shares.sum(), len(shares)
    low = beta.ppf(0.025, count, n - count + 1) if count > 0 else 0.0
    high = beta.ppf(0.975, count + 1, n - count) if count < n else 1.0
    return float(shares.mean()), float(low), float(high)


def print_by(rows: Sequence[Row], key: Callable[[Row], str]) -> None:
    """Both rates by a property of the fits, in each setting."""
    for value in dict.fromkeys(map(key, rows)):
        cells = []
        for setting in dict.fromkeys(r.setting for r in rows):
            part = [r for r in rows if key(r) == value and r.setting == setting]
            cells.append(f"{setting}: {share([r for r in part if r.is_wrong], 'yes')} {share(sound_of(part), 'no')}")
        print(f"{value:22} " + "   ".join(cells))


def sound_of(rows: Iterable[Row]) -> list[Row]:
    """The rows of sound fits."""
    return [r for r in rows if r.is_sound and not r.is_wrong]


def share(rows: Sequence[Row], trust: str) -> str:
    """How many of the fits have a verdict."""
    return f"{sum(r.trust == trust for r in rows):3}/{len(rows):<3}"
