"""Comparison of fits: align them, compute their statistics, and apply the rules of the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from inference.alignment import align_fits, aligned_draws
from inference.draws_model import has_program
from inference.engines.svi.diagnostics import AmortisedDiagnostics
from inference.evaluation.comparison import references
from inference.evaluation.comparison import verdict as rules
from inference.evaluation.comparison.agreement import Agreement, agreement
from inference.evaluation.comparison.modes import share_elsewhere
from inference.evaluation.comparison.record import TRUSTS, Verdict, VerdictInput
from inference.evaluation.comparison.result import Comparison
from inference.evaluation.comparison.reweighting import advise
from inference.evaluation.comparison.shared_quantities import share_quantities
from inference.record import FitRecord
from inference.summaries.difficulties import difficulty_of_chains
from inference.summaries.quantities import ENTRIES_COMPARED, compared_quantities, large_sites
from inference.summaries.statistics import FitStatistics, fit_statistics, sample_kind, total_log_likelihood
from zoo import ZooError
from zoo.checks import equal_values
from zoo.data.corpus import Corpus

KINDS = ("chains", "guide", "point")  # the most trustworthy first, other things equal


def compare(*fits: FitRecord, names: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Comparison:
    """Compare fits of one model, and decide which of them may be trusted.

    Parameters
    ----------
    *fits : Fit
        Two fits or more, of any engines and either backend, of one model with the same keywords and the same data. Fits
        made elsewhere (``inference.from_mcmc``, ``from_svi``, ``from_arviz``) are compared on the names that all fits
        have; statistics that need a program they lack are NaN.
    names : sequence of str, optional
        A name for each fit; by default its engine and guide.
    columns : sequence of str, optional
        The names of the data's columns, for the figures; by default those of the DataFrame that was fitted.

    Returns
    -------
    Comparison
        The verdicts with their tables, figures and report. The rules and their sources are in
        ``inference.evaluation.comparison.verdict``.

    Raises
    ------
    ZooError
        Where the fits are not of one model and one data set; the message names the difference.

    Examples
    --------
    >>> print(compare(em, svi, nuts))  # doctest: +SKIP
    """
    check_comparable(fits)
    fits = with_shared_columns(fits)
    by_name = dict(zip(unique_names(names or default_names(fits), len(fits)), fits, strict=True))
    shared, warnings = share_quantities(fits, list(by_name))
    # any fit may set the order of the labels: the statistics come after it
    first = min(range(len(fits)), key=lambda i: KINDS.index(sample_kind(fits[i])))
    aligned, counts = align_fits(shared, first)
    draws, switched = dict(zip(by_name, aligned, strict=True)), dict(zip(by_name, counts, strict=True))
    compared = compared_quantities(shared[first].model.card, shared[first].keywords, aligned[first])
    statistics = {
        name: replace(fit_statistics(fit, draws[name], compared), log_likelihood=total_log_likelihood(by_name[name]))
        if fit is not by_name[name]  # that of its own program
        else fit_statistics(fit, draws[name], compared)
        for name, fit in zip(by_name, shared, strict=True)
    }
    inputs = {name: verdict_input(name, fit, statistics[name]) for name, fit in by_name.items()}
    own = {name: rules.own_verdict(c, statistics) for name, c in inputs.items()}
    # chains are the reference where there are any: only they can show what a guide omits
    reference = min(by_name, key=lambda n: (KINDS.index(statistics[n].kind), *ranking_key(n, own, statistics)))
    agreements = {
        name: agreement(s, statistics[reference], has_common_density(by_name[name], by_name[reference]))
        for name, s in statistics.items()
    }
    shares = {
        name: share_elsewhere(s, statistics[reference])
        for name, s in statistics.items()
        if name != reference
        and is_all_latents(shared[first], s)
        and has_common_density(by_name[name], by_name[reference])
    }
    verdicts = final_verdicts(inputs, own, agreements, reference, shares)
    if max(shares.values(), default=0.0) < rules.MIN_OTHER_MASS:  # nothing mends fits in unlike modes

        def beside(c: VerdictInput, alone: Verdict) -> Verdict:
            if c.name == reference:
                return alone
            is_common = has_common_density(by_name[c.name], by_name[reference])
            distances = agreement(c.statistics, statistics[reference], is_common)
            return verdict_beside(c, alone, distances, inputs[reference], verdicts[reference])

        verdicts = {name: advise(verdicts[name], c, statistics, beside) for name, c in inputs.items()}
    best = min(by_name, key=lambda n: ranking_key(n, verdicts, statistics))
    warnings += [
        f"The labels of {count} of {len(statistics[name].flat)} draws of {name} were switched; "
        "they are in one order now."
        for name, count in switched.items()
        if count
    ]
    if large := large_sites(shared[first].model.card, shared[first].keywords, aligned[first]):
        warnings.append(f"Not compared, for their many entries: {', '.join(f'{n} ({c})' for n, c in large.items())}.")
    if not compared.all():
        largest = f"the {ENTRIES_COMPARED} largest of each distribution"
        warnings.append(f"Of {len(compared)} quantities {compared.sum()} are compared: {largest}.")
    return Comparison(
        fits=by_name,
        reference=reference,
        draws=draws,
        statistics=statistics,
        agreements=agreements,
        verdicts=verdicts,
        best=best,
        verdict=references.overall_verdict(best, verdicts),
        warnings=tuple(warnings),
        columns=tuple(map(str, columns)) if columns is not None else fits[0].column_labels,
    )


def with_shared_columns(fits: Sequence[FitRecord]) -> tuple[FitRecord, ...]:
    """The fits with the names of the columns that some of them have; the others were given arrays."""
    columns = next((fit.columns for fit in fits if fit.column_labels and not fit.model.card.is_own), {})
    is_without = [has_program(fit.model) and not fit.column_labels and bool(columns) for fit in fits]
    return tuple(
        replace(fit, model=fit.model.with_columns(columns)) if without else fit
        for fit, without in zip(fits, is_without, strict=True)
    )


def judge(fit: FitRecord) -> Verdict:
    """Judge one fit by its own checks alone.

    Parameters
    ----------
    fit : Fit
        A fit by any engine.

    Returns
    -------
    Verdict
        Whether the fit may be trusted, why, and by which rule.
    """
    if isinstance(fit.diagnostics, AmortisedDiagnostics):
        return rules.amortised_verdict(fit.diagnostics)
    (name,) = default_names([fit])
    draws = aligned_draws(fit)
    statistics = fit_statistics(fit, draws, compared_quantities(fit.model.card, fit.keywords, draws))
    c = verdict_input(name, fit, statistics)
    return advise(rules.own_verdict(c, {name: statistics}), c, {name: statistics})


def verdict_input(name: str, fit: FitRecord, statistics: FitStatistics) -> VerdictInput:
    """What the rules need of a fit."""
    diagnostics = fit.diagnostics
    converged, labels = diagnostics.get("converged"), fit.column_labels
    places = [np.atleast_1d(place).tolist() for place in diagnostics.get("heywood") or ()]
    heywood = [[*place[:-1], labels[place[-1]] if labels else place[-1]] for place in places]
    learned = tuple(fit.model.card.learned) if fit.model.card.is_own else ()
    card = fit.model.card
    difficulty = difficulty_of_chains(card)
    return VerdictInput(
        name,
        fit.options,
        converged,
        statistics,
        heywood,
        learned,
        card.scales,
        difficulty,
        at_max_tree_depth=diagnostics.get("at_max_tree_depth") or 0,
        other_modes=diagnostics.get("other_modes") or 0.0,
        e_bfmi=min(diagnostics.get("e_bfmi") or [float("nan")]),
    )


def is_all_latents(fit: FitRecord, s: FitStatistics) -> bool:
    """Whether the quantities compared are all latents of the draws, as none are of the rows or left out."""
    return s.values.shape[-1] == sum(int(np.prod(v.shape[2:])) for v in fit.draws.values())


def has_common_density(fit: FitRecord, reference: FitRecord) -> bool:
    """Whether the log joint of two fits is one function of their draws: of the same latents, constants included."""
    is_program = has_program(fit.model) == has_program(reference.model)
    if not (is_program and fit.draws.keys() == reference.draws.keys()):
        return False
    discrete = {fit.engine, reference.engine} & {"gibbs"}  # whose density has the states that others sum out
    return not discrete and (has_program(fit.model) or fit.model.backend == reference.model.backend)


def final_verdicts(
    inputs: Mapping[str, VerdictInput],
    own: Mapping[str, Verdict],
    agreements: Mapping[str, Agreement],
    reference: str,
    shares: Mapping[str, float],
) -> dict[str, Verdict]:
    """The verdict on each fit, by its own verdict and its agreement with the reference.

    shares: the part of the mass about each fit that is in another mode than the reference.
    """
    verdicts = dict(own)
    others = {name: c for name, c in inputs.items() if name != reference}
    for name, c in others.items():
        are_sound = has_sound_chains(own[name], c) and has_sound_chains(own[reference], inputs[reference])
        conflict = references.conflict(c, agreements[name], reference) if are_sound else None
        if conflict:
            for party in (name, reference):
                verdicts[party] = Verdict("no", conflict, own[party].rule)
    apart = {name: share for name, share in shares.items() if share >= rules.MIN_OTHER_MASS}
    if apart and own[reference].trust in ("yes", "means only"):
        return references.verdicts_of_modes(verdicts, apart, reference)
    first = inputs[reference], verdicts[reference]
    return verdicts | {n: verdict_beside(c, verdicts[n], agreements[n], *first) for n, c in others.items()}


def verdict_beside(
    c: VerdictInput, alone: Verdict, distances: Agreement, reference: VerdictInput, theirs: Verdict
) -> Verdict:
    """The verdict on a fit beside the reference, by the verdicts on either alone and the distances between them."""
    # chains with too few draws of the tails still make a reference; a guide with wrong spreads does not
    enough = ("yes", "means only") if reference.statistics.kind == "chains" else ("yes",)
    rule = references.verdict_by_reference if theirs.trust in enough else references.verdict_by_failed_reference
    return rule(c, alone, distances, reference.name)


def has_sound_chains(own: Verdict, c: VerdictInput) -> bool:
    """Whether a fit holds chains that pass every check."""
    return c.statistics.kind == "chains" and own.trust == "yes"


def ranking_key(
    name: str, verdicts: Mapping[str, Verdict], statistics: Mapping[str, FitStatistics]
) -> tuple[float, ...]:
    """Draws before points, then trust, then chains before guides, then quality; the smallest is the best."""
    s = statistics[name]
    bound = s.elbo if s.source is None else s.bound
    quality = {"chains": np.nan_to_num(s.ess_bulk).min(), "guide": bound, "point": s.log_likelihood}[s.kind]
    quality = -float(np.nan_to_num(quality, nan=-np.inf))
    return s.kind == "point", TRUSTS.index(verdicts[name].trust), KINDS.index(s.kind), quality


def check_comparable(fits: Sequence[FitRecord]) -> None:
    """Raise ZooError unless the fits are of one model, with one set of keywords and one data set."""
    if len(fits) < 2:
        raise ZooError(f"compare takes two fits or more; given {len(fits)}: fit.summary() describes one")
    names = default_names(fits)
    check_recorded_data(fits, names)
    # of fits without a program the names are compared, once they are read
    with_program = [i for i, fit in enumerate(fits) if has_program(fit.model)]
    for i in with_program[1:]:
        first, fit = fits[with_program[0]], fits[i]
        pair = f"{names[with_program[0]]} and {names[i]}"
        card, other = first.model.card, fit.model.card
        if card.name != other.name or card.sites(first.keywords) != other.sites(fit.keywords):
            raise ZooError(
                f"{pair} are of different models, {card.name} and {other.name}: compare fits of one. Two forms of one "
                "model, as a centred and a non-centred one, are compared on their common names where one fit is "
                "inference.from_arviz(fit.to_arviz())"
            )
        if not card.parameters(first.keywords):
            reason = f"{card.name} has networks alone, whose weights mean nothing one by one"
            raise ZooError(f"{reason}: inference.held_out evaluates each fit")
        for word in sorted(first.keywords.keys() | fit.keywords.keys()):
            a, b = first.keywords.get(word), fit.keywords.get(word)
            if not equal_values(a, b):
                difference = f"{format_value(a)} and {format_value(b)}"
                raise ZooError(f"{pair} differ in {word} ({difference}): fit both with the same {word}")
        if first.column_labels and fit.column_labels and first.column_labels != fit.column_labels:
            raise ZooError(f"{pair} are of different columns: fit both to one DataFrame")
        for site in first.data:
            a, b = (v.raw if isinstance(v, Corpus) else v for v in (first.data[site], fit.data[site]))
            if a.shape != b.shape or not np.array_equal(a, b, equal_nan=True):
                raise ZooError(f"{pair} are of different data ({site} differs): fit both to the same")
        if not equal_values(first.options.get("sample_weight"), fit.options.get("sample_weight")):
            raise ZooError(f"{pair} weigh the rows differently: fit both with the same sample_weight, or none")


def check_recorded_data(fits: Sequence[FitRecord], names: Sequence[str]) -> None:
    """Raise ZooError where a fit without a program has data of a name that another has too, and they differ.

    Trees written by other libraries may have the data in 32 bits.
    """
    for (a, first), (b, other) in combinations(zip(names, fits, strict=True), 2):
        if has_program(first.model) and has_program(other.model):
            continue
        for site in first.data.keys() & other.data.keys():
            x, y = first.data[site], other.data[site]
            if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
                continue
            if x.shape != y.shape or not np.allclose(x, y, rtol=1e-5, equal_nan=True):
                raise ZooError(f"{a} and {b} are of different data ({site} differs): compare fits to the same")


def format_value(value: Any) -> str:
    """A keyword's value in an error message.

    >>> format_value(2), format_value(np.zeros(10))
    ('2', 'an array of 10 numbers')
    """
    return f"an array of {np.size(value)} numbers" if np.size(value) > 3 else str(value)


def default_names(fits: Sequence[FitRecord]) -> list[str]:
    """The engine of each fit with its guide or objective, and the backend where there are two."""
    backends = {fit.model.backend for fit in fits}
    names = []
    for fit in fits:
        details = [fit.options["guide"]] if isinstance(fit.options.get("guide"), str) else []
        details += ["map"] if fit.options.get("objective") == "map" else []
        details += [fit.model.backend] if len(backends) > 1 else []
        names.append(fit.engine + (f" ({', '.join(details)})" if details else ""))
    return names


def unique_names(names: Sequence[str], count: int) -> list[str]:
    """The names, repeated ones numbered from 2; raises ZooError unless there is one for each fit.

    >>> unique_names(["nuts", "em", "nuts"], 3)
    ['nuts', 'em', 'nuts 2']
    """
    if len(names) != count:
        raise ZooError(f"names={list(names)} for {count} fits: give one name for each")
    counts: dict[str, int] = {}
    unique = []
    for name in map(str, names):
        counts[name] = counts.get(name, 0) + 1
        unique.append(name if counts[name] == 1 else f"{name} {counts[name]}")
    return unique
