"""The verdict on a fit that is compared with others.

A guide is held against sound chains, in its means, its intervals and those of combinations. What its own draws have
shown stays: chains supply what is missing, such as a low k-hat, and excuse nothing. Chains that failed their checks
confirm nothing, but a guide that surely differs from them is not trusted either until the chains are improved.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.evaluation.comparison import explanation
from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.findings import first_finding
from inference.evaluation.comparison.record import TRUSTS, Verdict, VerdictInput
from inference.evaluation.comparison.verdict import GUIDE_RULE, MIN_OTHER_MASS


def verdict_by_reference(c: VerdictInput, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit compared with a sound reference."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return own
    if s.kind == "point":
        return Verdict(own.trust, f"{own.explanation}; {explanation.point_distance(s, a, reference)}", own.rule)
    if s.kind == "chains":
        return Verdict(own.trust, f"{own.explanation}; {explanation.closeness(a, reference)}", own.rule, own.is_shown)
    verdict = guide_by_chains(c, a, reference)
    if own.is_shown and TRUSTS.index(own.trust) > TRUSTS.index(verdict.trust):
        return Verdict(own.trust, f"{own.explanation}; {verdict.explanation}", own.rule)
    return verdict


def guide_by_chains(c: VerdictInput, a: Agreement, reference: str) -> Verdict:
    """The verdict on a guide by its agreement with sound chains alone."""
    s = c.statistics
    found = first_finding(a)
    if found and found.distance == "unknown":
        unknown = f"{found.quantity} cannot be compared with {reference}, where too few draws differ"
        return Verdict("no", f"{unknown}: {explanation.run_chains(c)}", GUIDE_RULE)
    if found and not found.is_sure:
        return Verdict("unclear", explanation.too_few_draws(c, found, reference), GUIDE_RULE, is_shown=False)
    if found:
        trust = "no" if found.is_wrong_mean else "means only"
        return Verdict(trust, explanation.fault(c, found, reference), GUIDE_RULE)
    return Verdict("yes", f"{explanation.closeness(a, reference)} ({explanation.k_hat(s)})", GUIDE_RULE)


def verdict_by_failed_reference(c: VerdictInput, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit compared with chains that failed their checks: a guide must not differ from them."""
    if c.statistics.kind != "guide" or own.trust != "yes":
        return own
    found = first_finding(a)
    if found is None or not found.is_sure:
        return Verdict("yes", f"{own.explanation}; {reference} failed its checks, and confirms nothing", own.rule)
    difference = explanation.largest_difference(c.statistics, a, reference)
    differing = f"{explanation.k_hat(c.statistics)}, but {difference}: improve {reference} to decide which is right"
    return Verdict("unclear", differing, GUIDE_RULE, is_shown=False)


def conflict(c: VerdictInput, a: Agreement, reference: str) -> str | None:
    """The explanation where two fits that both pass their own checks differ, or None where they agree."""
    found = first_finding(a)
    if found is None or not found.is_sure or found.distance == "unknown":
        return None
    b, j = found.agreement, found.j
    size = (
        f"by {abs(b.shift[j]):.1f} sd" if found.distance == "mean" else f"in spread, by a factor of {b.sd_ratio[j]:.2f}"
    )
    return (
        f"{reference} and {c.name} both pass their own checks and yet differ in {found.quantity} {size}: "
        "run more chains, other seeds"
    )


def verdicts_of_modes(
    verdicts: Mapping[str, Verdict], apart: Mapping[str, float], reference: str
) -> dict[str, Verdict]:
    """The verdicts where fits are in different modes, each with some of the mass, by what part of it is about each.

    apart: the part about each fit, of the mass about it and about the reference.
    """
    result, most = dict(verdicts), max(apart, key=lambda name: apart[name])
    for name, share in apart.items():
        if share < 1 - MIN_OTHER_MASS:
            missed = f"{reference} is in another mode, with some {1 - share:.0%} of the mass of both"
            result[name] = Verdict("no", f"{missed}: run more chains from other starts", verdicts[name].rule)
    missed = (
        f"{most} is in another mode, with some {apart[most]:.0%} of the mass of both, which {reference} never visited"
    )
    result[reference] = Verdict("no", f"{missed}: run more chains from other starts", verdicts[reference].rule)
    for name in verdicts.keys() - apart.keys() - {reference}:
        if result[name].trust == "yes":
            result[name] = Verdict("unclear", f"{result[name].explanation}; {missed}", verdicts[name].rule, False)
    return result


def overall_verdict(best: str, verdicts: Mapping[str, Verdict]) -> str:
    """One sentence that names the fit to use, and one on the others."""
    use, rest = verdicts[best], {n: v for n, v in verdicts.items() if n != best}
    phrases = {
        "yes": "{} may be used as well",
        "means only": "of {} the means only",
        "unclear": "more draws for {}",
        "no": "do not use {}",
        "point": "no spread comes with {}",
    }
    groups = {trust: [n for n, v in rest.items() if v.trust == trust] for trust in phrases}
    others = "; ".join(phrases[trust].format(explanation.join_names(names)) for trust, names in groups.items() if names)
    opening = {
        "yes": f"Use {best}",
        "means only": f"Use the means of {best}",
        "unclear": f"Trust none of these yet; the nearest is {best}",
        "no": f"Trust none of these yet; the nearest is {best}",
        "point": f"Use {best} as an estimate alone: no fit here has a spread to trust",
    }[use.trust]
    return f"{opening}: {use.explanation}. Of the others: {others}."
