"""Peak memory of training a VAE on images that stay on disk: it grows with the batch, and not with the data.

    python benchmarks/vae_memory.py [--backend numpyro] [--rows 200000] [--dtype uint8] [--batch 128] [--folder DIR]

Writes a .npy file of grey images of 28 x 28 block by block into a temporary folder, opens it by
``np.load(mmap_mode="r")`` and trains on a twentieth of its rows, then on all, 300 steps each. With ``--dtype uint8``
pixels are drawn from their intensities at each step, with float32 they are zeros and ones. Memory is RssAnon of
/proc/self/status, as in ``em_stream.py``: the process's own pages, without those of the mapped file.
"""

import argparse
import os
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from em_stream import Peak

BLOCK = 10_000  # rows written at a time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), default="numpyro")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dtype", choices=("uint8", "float32"), default="uint8")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--folder", help="where the file is to lie for a while; the system's temporary folder if none")
    return parser.parse_args()


def write(path, given):
    import numpy as np

    rng = np.random.default_rng(0)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=given.dtype, shape=(given.rows, 784))
    for begun in range(0, given.rows, BLOCK):
        block = rng.integers(0, 256, size=(min(BLOCK, given.rows - begun), 784), dtype=np.uint8)
        file[begun : begun + len(block)] = block if given.dtype == "uint8" else block > 127
    file.flush()


def peak_of(path, rows, given):
    """The peak of this process's own memory in MiB, and the seconds of the CPU, of training on the first rows."""
    import numpy as np

    import inference
    import zoo
    from zoo.data.intensities import Intensities

    model = zoo.load("vae", backend=given.backend, Z=50, width=200)
    x = np.load(path, mmap_mode="r")[:rows]
    x = Intensities(x, levels=255) if given.dtype == "uint8" else x
    begun = time.process_time()
    with Peak() as peak:
        inference.fit(model, x, "svi", num_steps=300, batch_size=given.batch, dtype="float32")
    return peak.own, time.process_time() - begun


def main(given):
    if not Path("/proc/self/status").exists():
        print("no /proc here, by which memory without mapped files is measured: nothing done")
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / "rows.npy"
        write(path, given)
        print(
            f"{given.backend}, {given.dtype}, batches of {given.batch}: {path.stat().st_size / 2**20:.0f} MiB on disk"
        )
        peaks = []
        for rows in (given.rows // 20, given.rows):
            with get_context("spawn").Pool(1) as alone:  # what one training leaves behind counts for no other
                peak, seconds = alone.apply(peak_of, (path, rows, given))
            print(f"N={rows}: peak of own memory {peak:.0f} MiB, code and all; {seconds:.1f} s of CPU", flush=True)
            peaks.append(peak)
        print(f"twenty times the rows took {peaks[1] - peaks[0]:.1f} MiB of memory more")


if __name__ == "__main__":
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})
    main(arguments())
