"""Factor analysis by EM of a table on disk: rows per second, and memory that does not grow with the rows.

    python benchmarks/em_stream.py [--rows 10000000] [--features 16] [--factors 4] [--dtype float64] [--threads 1]
                                   [--folder DIR]

Writes a .npy file block by block into a temporary folder, opens it by ``np.load(mmap_mode="r")`` and fits a tenth of
its rows, then all. Memory is RssAnon of /proc/self/status, read every few milliseconds: the pages of the process
without those of the mapped file (RssFile), which the system can drop at any time.
"""

import tempfile
from pathlib import Path

from report import Report, make_parser, measure, set_threads

BLOCK = 100_000  # rows simulated at a time


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--factors", type=int, default=4)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", help="folder of the file; the system's temporary folder by default")
    return parser.parse_args()


def write_simulation(path, args):
    """Write rows (N, D) of a factor analysis; returns their log-likelihood per row at its parameters, in nats."""
    import numpy as np
    from memory import write_rows

    rng = np.random.default_rng(0)
    D, Z = args.features, args.factors
    W, mu, Psi = rng.normal(size=(D, Z)), rng.normal(size=D), rng.uniform(0.5, 1.5, D)
    root = np.linalg.cholesky(W @ W.T + np.diag(Psi))
    squares = []

    def make_rows(count):
        noise = rng.normal(size=(count, D))
        squares.append(np.square(noise).sum())
        return noise @ root.T + mu

    write_rows(path, (args.rows, D), args.dtype, BLOCK, make_rows)
    return -0.5 * (sum(squares) / args.rows + D * np.log(2 * np.pi)) - np.log(np.diagonal(root)).sum()


def main(args):
    import numpy as np
    from memory import PeakMemory, can_measure

    import inference
    import zoo

    if not can_measure():
        return
    report = Report(__file__, args)
    model = zoo.load("factor_analysis", Z=args.factors)
    inference.fit(model, np.random.default_rng(1).normal(size=(1000, args.features)), "em")  # loads all code
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "rows.npy"
        truth = write_simulation(path, args)
        size = path.stat().st_size / 2**30
        report.add(f"{args.rows} rows, D={args.features}, Z={args.factors}, {args.dtype}: {size:.2f} GiB on disk")
        peaks = []
        for rows in (args.rows // 10, args.rows):
            x = np.load(path, mmap_mode="r")[:rows]
            with PeakMemory() as peak:
                fit, wall, cpu = measure(inference.fit, model, x, "em")
            score, iterations = fit.diagnostics["log_likelihood"] / rows, fit.diagnostics["iterations"]
            peaks.append(peak.own)
            rate = f"{rows / wall / 1e6:.1f} million rows per second"
            record = {"rows": rows, "wall": wall, "cpu": cpu, "own_mib": peak.own, "nats_per_row": score}
            text = f"N={rows}: {wall:.2f} s, CPU {cpu:.2f}, {rate}, {iterations} iterations, {score:.6f} nats per row"
            report.add(text, **record)
            report.add(f"    peak memory {peak.own:.1f} MiB, and {peak.mapped:.0f} MiB of mapped files (code, and x)")
        report.add(f"parameters of the simulation: {truth:.6f} nats per row")
        report.add(f"more memory for ten times the rows: {max(peaks[1] - peaks[0], 0.0):.1f} MiB")
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    main(args)
