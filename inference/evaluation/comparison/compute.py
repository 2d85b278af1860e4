"""Several fits of one model, put in one order, held to their own checks and to the most trustworthy of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.alignment import aligned, in_one_order
from inference.evaluation.comparison import verdict as rules
from inference.evaluation.comparison.agreement import Agreement, agreement
from inference.evaluation.comparison.result import Comparison
from inference.evaluation.comparison.verdict import Candidate, Verdict
from inference.record import FitRecord
from inference.summaries.quantities import MOST, prominent
from inference.summaries.statistics import FitStatistics, amortised, gather, kind_of
from zoo import ZooError
from zoo.checks import equal_values
from zoo.data.corpus import Corpus

KINDS = ("chains", "guide", "point")  # the most trustworthy first, other things equal
TRUSTS = ("yes", "means only", "point", "no")


def compare(*fits: FitRecord, names: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Comparison:
    """Hold fits of one model against each other and say which may be trusted.

    fits: of any engines, either backend, one model with the same keywords and the same data. names: one for each fit
    (engine and guide unless given). columns: names of the data's columns, for the figures. Raises ZooError that says
    in what the fits differ. The rules and their sources are in ``inference.criticism.verdict``.
    """
    check_same(fits)
    named = dict(zip(unique(names or default_names(fits), len(fits)), fits, strict=True))
    # any fit may set the order of the labels: the numbers come after it
    first = min(range(len(fits)), key=lambda i: KINDS.index(kind_of(fits[i])))
    ordered, counts = in_one_order(fits, first)
    draws, switched = dict(zip(named, ordered, strict=True)), dict(zip(named, counts, strict=True))
    kept = prominent(fits[first].model.card, fits[first].keywords, ordered[first])
    evidence = {name: gather(fit, draws[name], kept) for name, fit in named.items()}
    candidates = {name: candidate(name, fit, evidence[name]) for name, fit in named.items()}
    own = {name: rules.alone(c, evidence) for name, c in candidates.items()}
    # chains, where there are any, are what the others are held against: only they can see beyond a guide
    reference = min(named, key=lambda n: (KINDS.index(evidence[n].kind), *rank(n, own, evidence)))
    agreements = {name: agreement(e, evidence[reference]) for name, e in evidence.items()}
    verdicts = judged(candidates, own, agreements, reference)
    best = min(named, key=lambda n: rank(n, verdicts, evidence))
    notes = [
        f"The labels of {count} of {len(evidence[name].flat)} draws of {name} were switched; they are in one order now."
        for name, count in switched.items()
        if count
    ]
    if not kept.all():
        notes.append(f"Of {len(kept)} quantities {kept.sum()} are compared: the {MOST} largest of each distribution.")
    return Comparison(
        fits=named,
        reference=reference,
        draws=draws,
        evidence=evidence,
        agreements=agreements,
        verdicts=verdicts,
        best=best,
        verdict=rules.overall(best, verdicts),
        notes=tuple(notes),
        columns=tuple(map(str, columns)) if columns is not None else None,
    )


def judge(fit: FitRecord) -> Verdict:
    """The verdict on one fit by its own checks alone."""
    if amortised(fit):
        return rules.amortised(fit.diagnostics)
    (name,) = default_names([fit])
    draws = aligned(fit)
    evidence = gather(fit, draws, prominent(fit.model.card, fit.keywords, draws))
    return rules.alone(candidate(name, fit, evidence), {name: evidence})


def candidate(name: str, fit: FitRecord, evidence: FitStatistics) -> Candidate:
    said = fit.diagnostics
    return Candidate(name, fit.options, said.get("converged", True), evidence, said.get("heywood", []))


def judged(
    candidates: Mapping[str, Candidate], own: Mapping[str, Verdict], agreements: Mapping[str, Agreement], reference: str
) -> dict[str, Verdict]:
    """The verdict on each fit, given what each says of itself and how it stands to the reference."""
    verdicts = dict(own)
    others = {name: c for name, c in candidates.items() if name != reference}
    for name, c in others.items():
        both_sound = sound(own[name], c) and sound(own[reference], candidates[reference])
        quarrel = rules.rivals(c, agreements[name], reference) if both_sound else None
        if quarrel:
            for party in (name, reference):
                verdicts[party] = Verdict("no", quarrel, own[party].rule)
    # too few draws of the tails still make a reference; a guide with wrong spreads does not
    enough = ("yes", "means only") if candidates[reference].evidence.kind == "chains" else ("yes",)
    hold = rules.against if verdicts[reference].trust in enough else rules.unsettled
    return verdicts | {n: hold(c, verdicts[n], agreements[n], reference) for n, c in others.items()}


def sound(own: Verdict, c: Candidate) -> bool:
    return c.evidence.kind == "chains" and own.trust == "yes"


def rank(name: str, verdicts: Mapping[str, Verdict], evidence: Mapping[str, FitStatistics]) -> tuple[float, ...]:
    """Draws before points, then trust, then chains before guides, then quality; the least is the best."""
    e = evidence[name]
    quality = {"chains": np.nan_to_num(e.ess_bulk).min(), "guide": e.elbo, "point": e.log_likelihood}[e.kind]
    quality = -float(np.nan_to_num(quality, nan=-np.inf))
    return e.kind == "point", TRUSTS.index(verdicts[name].trust), KINDS.index(e.kind), quality


def check_same(fits: Sequence[FitRecord]) -> None:
    """Raise ZooError unless the fits are of one model, with one set of keywords and one data set."""
    if len(fits) < 2:
        raise ZooError(f"compare takes two fits or more; given {len(fits)}: fit.summary() describes one")
    first, name = fits[0], default_names(fits)
    for i, fit in enumerate(fits[1:], start=1):
        pair = f"{name[0]} and {name[i]}"
        card, other = first.model.card, fit.model.card
        if card.name != other.name or card.sites(first.keywords) != other.sites(fit.keywords):
            raise ZooError(f"{pair} are of different models, {card.name} and {other.name}: compare fits of one")
        if not card.parameters(first.keywords):
            alone = f"{card.name} has networks alone, whose weights mean nothing one by one"
            raise ZooError(f"{alone}: inference.held_out evaluates each fit")
        for word in sorted(first.keywords.keys() | fit.keywords.keys()):
            a, b = first.keywords.get(word), fit.keywords.get(word)
            if not equal_values(a, b):
                raise ZooError(f"{pair} differ in {word} ({shown(a)} and {shown(b)}): fit both with the same {word}")
        for site in first.data:
            a, b = (v.raw if isinstance(v, Corpus) else v for v in (first.data[site], fit.data[site]))
            if a.shape != b.shape or not np.array_equal(a, b, equal_nan=True):
                raise ZooError(f"{pair} are of different data ({site} differs): fit both to the same")
        if not equal_values(first.options.get("sample_weight"), fit.options.get("sample_weight")):
            raise ZooError(f"{pair} weigh the rows differently: fit both with the same sample_weight, or none")


def shown(value: object) -> str:
    return f"an array of {np.size(value)} numbers" if np.size(value) > 3 else str(value)


def default_names(fits: Sequence[FitRecord]) -> list[str]:
    """The engine of each fit with its guide or objective, and the backend where there are two."""
    backends = {fit.model.backend for fit in fits}
    names = []
    for fit in fits:
        aside = [fit.options["guide"]] if isinstance(fit.options.get("guide"), str) else []
        aside += ["map"] if fit.options.get("objective") == "map" else []
        aside += [fit.model.backend] if len(backends) > 1 else []
        names.append(fit.engine + (f" ({', '.join(aside)})" if aside else ""))
    return names


def unique(names: Sequence[str], count: int) -> list[str]:
    """The names, those that came before numbered from 2; raises ZooError where there is not one for each fit.

    >>> unique(["nuts", "em", "nuts"], 3)
    ['nuts', 'em', 'nuts 2']
    """
    if len(names) != count:
        raise ZooError(f"names={list(names)} for {count} fits: give one name for each")
    seen: dict[str, int] = {}
    out = []
    for name in map(str, names):
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return out
