"""Peak memory of training a VAE on images on disk: it grows with the batch, not with the data.

    python benchmarks/vae_memory.py [--backend numpyro] [--rows 200000] [--dtype uint8] [--batch 128] [--folder DIR]

Writes a .npy file of grey images of 28 x 28 pixels block by block into a temporary folder, opens it by
``np.load(mmap_mode="r")`` and trains on a twentieth of its rows, then on all, 300 steps each. With ``--dtype uint8``
binary pixels are drawn from the intensities at each step; with float32 they are zeros and ones. Memory is RssAnon of
/proc/self/status, as in ``em_stream.py``.
"""

import tempfile
from multiprocessing import get_context
from pathlib import Path

from report import Report, make_parser, measure, set_threads

BLOCK = 10_000  # rows written at a time


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), default="numpyro")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dtype", choices=("uint8", "float32"), default="uint8")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--folder", help="folder of the file; the system's temporary folder by default")
    return parser.parse_args()


def write_images(path, args):
    import numpy as np
    from memory import write_rows

    rng = np.random.default_rng(0)

    def make_rows(count):
        pixels = rng.integers(0, 256, size=(count, 784), dtype=np.uint8)
        return pixels if args.dtype == "uint8" else pixels > 127

    write_rows(path, (args.rows, 784), args.dtype, BLOCK, make_rows)


def train(path, rows, args):
    """Train on the first rows in this process; returns its peak memory in MiB, and the CPU seconds."""
    import numpy as np
    from memory import PeakMemory

    import inference
    import zoo
    from zoo.data.intensities import Intensities

    model = zoo.load("vae", backend=args.backend, Z=50, width=200)
    x = np.load(path, mmap_mode="r")[:rows]
    x = Intensities(x, levels=255) if args.dtype == "uint8" else x
    options = {"num_steps": 300, "batch_size": args.batch, "dtype": "float32"}
    with PeakMemory() as peak:
        timing = measure(lambda: inference.fit(model, x, "svi", **options))
    return peak.own, timing.cpu


def main(args):
    from memory import can_measure

    if not can_measure():
        return
    report = Report(__file__, args)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "rows.npy"
        write_images(path, args)
        size = path.stat().st_size / 2**20
        report.add(f"{args.backend}, {args.dtype}, batches of {args.batch}: {size:.0f} MiB on disk")
        peaks = []
        for rows in (args.rows // 20, args.rows):
            with get_context("spawn").Pool(1) as pool:  # a new process, so that earlier training leaves no memory
                peak, seconds = pool.apply(train, (path, rows, args))
            text = f"N={rows}: peak memory {peak:.0f} MiB, with code; CPU {seconds:.1f} s"
            report.add(text, rows=rows, own_mib=peak, cpu=seconds)
            peaks.append(peak)
        report.add(f"more memory for twenty times the rows: {peaks[1] - peaks[0]:.1f} MiB")
    report.write()


if __name__ == "__main__":
    set_threads(1)
    main(parse_arguments())
