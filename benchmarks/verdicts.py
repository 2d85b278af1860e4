"""How often the verdicts of ``judge`` and ``compare`` are wrong, on problems whose posterior is known.

    python benchmarks/verdicts.py [--seed 2] [--share 1] [--engines 0] [--engines-alone] [--workers 2] [--rows FILE]

Sound fits and broken ones, made of exact draws of some 220 problems (``verdict_suite``), are judged alone, beside sound
chains, and beside chains that failed; ``--engines`` is the number of problems, evenly spread, that the engines fit too.
The rules were chosen with problems of seed 1; the figures of the documentation are of seed 2.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_ENABLE_X64", "1")

import numpy as np
from joblib import Parallel, delayed

from benchmarks.verdict_suite import Problem, numbers, problem
from benchmarks.verdict_suite.engines import judge_engines
from benchmarks.verdict_suite.judging import Row, judge_problem
from benchmarks.verdict_suite.rates import print_tables


def judge_place(function: Callable[[Problem, int], list[Row]], seed: int, place: tuple[int, int]) -> list[Row]:
    """The verdicts on one problem, which is made in the process that judges it."""
    return function(problem(seed, *place), seed)


def main() -> None:
    """Judge every fit, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="share of each family")
    parser.add_argument("--engines", type=int, default=0, help="number of problems that the engines fit")
    parser.add_argument("--engines-alone", action="store_true", help="leave out the fits made of exact draws")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", help="file for every verdict, as JSON")
    options = parser.parse_args()
    places = numbers(options.share)
    chosen = np.linspace(0, len(places) - 1, min(options.engines, len(places))).astype(int)
    jobs = [(judge_engines, places[i]) for i in chosen]
    if not options.engines_alone:
        jobs += [(judge_problem, place) for place in places]
    parts = Parallel(n_jobs=options.workers)(delayed(judge_place)(f, options.seed, place) for f, place in jobs)
    rows = [row for part in parts for row in part]
    if options.rows:
        with open(options.rows, "w") as file:
            json.dump([row._asdict() for row in rows], file)
    print_tables(rows)


if __name__ == "__main__":
    main()
