"""Seconds of ``compare`` and its report, for fits with 4 x 1000 draws of 100 quantities.

    python benchmarks/comparison.py [--fits 2] [--quantities 100] [--rounds 3]

The fits are synthetic chains of independent draws, of normal quantities with a common correlation, read by
``from_arviz``. The first round has the imports of the figures. Printed are the seconds of the comparison, of its table
and verdict as text, and of the page with all figures, wall time and CPU time; at most 5 s together are wanted.
"""

import tempfile
from pathlib import Path

from report import Report, make_parser, measure, median_and_range, set_threads


def main(args):
    set_threads(1)
    import numpy as np
    import xarray as xr

    import inference

    def fit(seed):
        rng = np.random.default_rng(seed)
        shape = (args.chains, args.draws, args.quantities)
        theta = 0.5 * rng.normal(size=(*shape[:2], 1)) + rng.normal(size=shape)
        stats = {"diverging": np.zeros(shape[:2], bool), "lp": -0.5 * np.square(theta).sum(-1)}
        posterior = xr.Dataset({"theta": (("chain", "draw", "quantity"), theta)})
        sample_stats = xr.Dataset({n: (("chain", "draw"), v) for n, v in stats.items()})
        tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": sample_stats})
        return inference.from_arviz(tree, name=f"chains {seed}")

    fits = [fit(seed) for seed in range(args.fits)]
    report, totals = Report(__file__, args), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            comparison = measure(lambda: inference.compare(*fits))
            text = measure(str, comparison.result)
            page = measure(comparison.result.save, Path(folder) / "report.html")
            parts = {"compare": comparison, "table": text, "page": page}
            totals.append(sum(p.cpu for p in parts.values()))
            lines = ", ".join(f"{n} {p.wall:.2f} s ({p.cpu:.2f} s of CPU)" for n, p in parts.items())
            report.add(f"{lines}; together {totals[-1]:.2f} s of CPU", **{n: p.cpu for n, p in parts.items()})
    report.add(f"CPU seconds {median_and_range(totals, 2)}", total=totals)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--fits", type=int, default=2)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--quantities", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
