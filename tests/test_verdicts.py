"""Verdicts on fits whose truth is known: what each rule finds, and the error rates on problems of the benchmark."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import at_point, chains_of, correlated, gaussian, guide_of, log_normal

from benchmarks.verdict_suite import FAMILIES, problems
from benchmarks.verdict_suite.judging import judge_problem
from inference import compare
from inference.evaluation.comparison import judge
from inference.evaluation.comparison.compute import verdict_input
from inference.evaluation.comparison.modes import share_elsewhere
from inference.evaluation.comparison.verdict import own_verdict
from inference.summaries.statistics import fit_statistics

ROUND = np.eye(2)


def test_a_wrong_correlation_is_found_though_the_margins_are_right():
    # the same margins, correlation -0.5 in the place of 0.5
    for seed in range(5):
        c = compare(guide_of(correlated(0.5), correlated(-0.5), "full_rank", seed=seed), chains_of(correlated(0.5)))
        verdict = c.verdicts["svi (full_rank)"]
        assert verdict.trust == "means only"
        assert "margins agree" in verdict.explanation


def test_errors_that_are_small_one_by_one_add_up():
    # a spread of 0.8 and a shift of half an sd: the 90% interval holds 79%
    for seed in range(5):
        guide = guide_of(ROUND, 0.64 * ROUND, "full_rank", seed=seed, shift=(0.5, 0.0))
        assert compare(guide, chains_of(ROUND)).verdicts["svi (full_rank)"].trust != "yes"


def test_few_draws_are_too_few_to_say():
    guide = guide_of(ROUND, ROUND, "full_rank")
    few = gaussian(
        "svi",
        guide.draws["mu"][:, :100],
        guide.stats["lp"][:, :100],
        stats={"log_weight": guide.stats["log_weight"][:, :100]},
        options=guide.options,
    )
    verdict = compare(few, chains_of(ROUND)).verdicts["svi (full_rank)"]
    assert verdict.trust == "unclear"
    assert "not enough draws to say" in verdict.explanation
    assert "num_draws" in verdict.explanation


def test_chains_with_few_draws_are_unclear_and_do_not_excuse_a_guide():
    short = chains_of(ROUND, draws=60)
    assert judge(short).trust == "unclear"
    narrow = guide_of(ROUND, 0.3 * ROUND, "full_rank")
    assert compare(narrow, short).verdicts["svi (full_rank)"].trust != "yes"


def test_two_sound_fits_of_unlike_spreads_are_not_trusted():
    c = compare(chains_of(ROUND), chains_of(0.05**2 * ROUND, seed=3), names=["one", "other"])
    assert {v.trust for v in c.verdicts.values()} == {"no"}
    assert "in spread" in c.verdicts["one"].explanation


def test_a_few_divergences_are_said_and_more_are_not_forgiven():
    one, many = (np.arange(2000).reshape(4, 500) < n for n in (1, 20))
    assert judge(chains_of(ROUND, stats={"diverging": one})).trust == "yes"
    assert "1 of 2000 draws diverged" in judge(chains_of(ROUND, stats={"diverging": one})).explanation
    assert judge(chains_of(ROUND, stats={"diverging": many})).trust == "no"


def test_a_log_joint_that_has_not_mixed_does_not_pass():
    fit = chains_of(ROUND)
    fit.stats["lp"][0] -= 10.0
    assert judge(fit).trust == "no"
    assert "the log joint density" in judge(fit).explanation


@pytest.mark.parametrize(("weight", "trusts"), [(0.5, ("no", "no")), (0.99, ("yes", "no")), (0.01, ("no", "yes"))])
def test_the_mass_of_two_modes_decides(weight, trusts):
    # a guide in the mode of this weight, chains in the other, 12 sds away
    guide, chains = guide_of(ROUND, ROUND, "full_rank"), chains_of(ROUND)
    chains.draws["mu"][...] += [12.0, 0.0]
    guide.stats["lp"][...] += np.log(weight)
    guide.stats["log_weight"][...] += np.log(weight)
    chains.stats["lp"][...] += np.log(1 - weight)
    c = compare(guide, chains)
    assert (c.verdicts["svi (full_rank)"].trust, c.verdicts["nuts"].trust) == trusts
    statistics = c.statistics
    share = share_elsewhere(statistics["svi (full_rank)"], statistics["nuts"])
    assert share == pytest.approx(weight, abs=0.03)  # the entropies of the draws, 2% each


def test_a_guide_in_one_of_several_modes_is_not_trusted():
    fit = guide_of(ROUND, ROUND, "full_rank")
    statistics = fit_statistics(fit, fit.draws, np.array([True, True]))
    alone = verdict_input("svi", fit, statistics)
    assert own_verdict(alone, {"svi": statistics}).trust == "yes"
    verdict = own_verdict(replace(alone, other_modes=0.27), {"svi": statistics})
    assert verdict.trust == "no"
    assert "others hold some 27% of the mass: run nuts to see them, and report each" in verdict.explanation


def test_heavy_tails_are_compared_by_their_medians():
    # Cauchy: a shift of one interquartile range is nothing beside the sd of the draws
    rng = np.random.default_rng(0)
    draws = {s: rng.standard_cauchy((c, 1000, 2)) + shift for s, c, shift in (("nuts", 4, 0.0), ("svi", 1, 2.0))}
    chains = gaussian("nuts", draws["nuts"], np.zeros((4, 1000)), stats={"diverging": np.zeros((4, 1000), bool)})
    guide = gaussian("svi", draws["svi"], np.zeros((1, 1000)), stats={"log_weight": np.zeros((1, 1000))})
    verdict = compare(guide, chains, at_point(guide)).verdicts["svi"]
    assert verdict.trust == "no"


def test_the_log_density_of_a_guide_counts_where_margins_agree():
    # independent normals of the right variances: only the density shows that they are not the posterior
    covariance = correlated(0.6)
    guide = guide_of(covariance, ROUND, "mean_field")
    np.testing.assert_allclose(guide.stats["lp"], log_normal(guide.draws["mu"], covariance))
    assert compare(guide, chains_of(covariance)).verdicts["svi (mean_field)"].trust == "means only"


@pytest.mark.slow
def test_the_log_densities_of_the_problems_are_those_of_their_programs():
    import jax
    from numpyro import handlers
    from numpyro.infer.util import log_density

    with jax.enable_x64(True):
        for problem in problems(3, 0.01):
            x = problem.draw(np.random.default_rng(0), 3)
            seeded = handlers.seed(problem.program, jax.random.key(0))
            values = [{n: v[i] for n, v in problem.by_site(x).items()} for i in range(3)]
            log_joint = [float(log_density(seeded, (), dict(problem.arguments), v)[0]) for v in values]
            ours = problem.log_density(x)
            np.testing.assert_allclose(np.diff(log_joint), np.diff(ours), rtol=1e-6, atol=1e-6, err_msg=problem.name)


@pytest.mark.slow
def test_error_rates_of_verdicts():
    # one problem of each family: wrong fits that pass beside sound chains, and sound fits that are refused
    rows = [row for problem in problems(4, 0.01) for row in judge_problem(problem, 4)]
    assert len({row.family for row in rows}) == len(FAMILIES)
    beside = [row for row in rows if row.setting == "beside sound chains"]
    assert not [row for row in beside if row.is_wrong and row.trust == "yes"]
    assert not [row for row in rows if row.is_sound and row.trust == "no"]
    assert all(row.trust == "yes" for row in rows if row.fit == "perfect")
    alone = [row for row in rows if row.setting == "alone" and row.is_wrong and not row.is_multimodal]
    assert len(alone) > 100
    assert sum(row.trust == "yes" for row in alone) <= 0.05 * len(alone)
