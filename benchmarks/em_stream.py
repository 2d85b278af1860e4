"""Factor analysis by EM of a table that stays on disk: rows per second, and that more rows take no more memory.

    python benchmarks/em_stream.py [--rows 10000000] [--features 16] [--factors 4] [--dtype float64] [--threads 1]
                                   [--folder DIR]

Writes a .npy file block by block into a temporary folder, opens it by ``np.load(mmap_mode="r")`` and fits a tenth of
its rows, then all. Memory is RssAnon of /proc/self/status, looked at every few milliseconds: pages of the process's
own, without those of the mapped file, which the system keeps while nobody else wants them and which are given beside
(RssFile).
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

BLOCK = 100_000  # rows drawn at a time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--factors", type=int, default=4)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", help="where the file is to lie for a while; the system's temporary folder if none")
    return parser.parse_args()


def write(path, args):
    """Rows (N, D) of a factor analysis, in the file alone; and its likelihood per row at what drew them, in nats."""
    import numpy as np

    rng = np.random.default_rng(0)
    D, Z = args.features, args.factors
    W, mu, Psi = rng.normal(size=(D, Z)), rng.normal(size=D), rng.uniform(0.5, 1.5, D)
    root = np.linalg.cholesky(W @ W.T + np.diag(Psi))
    file = np.lib.format.open_memmap(path, mode="w+", dtype=args.dtype, shape=(args.rows, D))
    squares = 0.0
    for begun in range(0, args.rows, BLOCK):
        noise = rng.normal(size=(min(BLOCK, args.rows - begun), D))
        squares += np.square(noise).sum()
        file[begun : begun + len(noise)] = noise @ root.T + mu
    file.flush()
    return -0.5 * (squares / args.rows + D * np.log(2 * np.pi)) - np.log(np.diagonal(root)).sum()


def resident():
    """RssAnon and RssFile in MiB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [int(lines[word].split()[0]) / 1024 for word in ("RssAnon", "RssFile")]


class Peak:
    """The largest resident sizes while the block runs, in MiB: the process's own memory, and what is mapped."""

    def __enter__(self):
        self.most = resident()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def _look(self):
        while not self._done.wait(0.003):
            self.most = [max(pair) for pair in zip(self.most, resident(), strict=True)]

    def __exit__(self, *raised):
        self._done.set()
        self._watch.join()
        self.own, self.mapped = self.most


def main(args):
    import numpy as np

    import inference
    import zoo

    if not Path("/proc/self/status").exists():
        print("no /proc here, by which memory without mapped files is measured: nothing done")
        return
    model = zoo.load("factor_analysis", Z=args.factors)
    inference.fit(model, np.random.default_rng(1).normal(size=(1000, args.features)), "em")  # all code is loaded now
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "rows.npy"
        truth = write(path, args)
        size = path.stat().st_size / 2**30
        print(f"{args.rows} rows, D={args.features}, Z={args.factors}, {args.dtype}: {size:.2f} GiB on disk")
        peaks = []
        for rows in (args.rows // 10, args.rows):
            x = np.load(path, mmap_mode="r")[:rows]
            wall, cpu = time.perf_counter(), time.process_time()
            with Peak() as peak:
                fit = inference.fit(model, x, "em")
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            height = fit.diagnostics["log_likelihood"] / rows
            peaks.append(peak.own)
            said = f"{fit.diagnostics['iterations']} iterations, {height:.6f} nats per row"
            print(f"N={rows}: {wall:.2f} s, CPU {cpu:.2f}, {rows / wall / 1e6:.1f} million rows per second, {said}")
            print(f"    peak of own memory {peak.own:.1f} MiB, and {peak.mapped:.0f} MiB of mapped files (code, and x)")
        print(f"the parameters that drew all rows: {truth:.6f} nats per row")
        print(f"ten times the rows took {max(peaks[1] - peaks[0], 0.0):.1f} MiB of memory more")


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    main(given)
