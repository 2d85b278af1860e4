"""Seconds of the first fit to Old Faithful in a fresh process, compilation included: EM, full covariance, K = 2.

    python benchmarks/first_fit.py [--backend numpyro]

Prints the seconds of the fit and those of importing what it needs, and the log-likelihood it reached. No compilation
cache is used.
"""

import argparse
import os
import subprocess
import sys

ONE = """
import time
begun = time.perf_counter()
import inference, zoo
from zoo import datasets
x = datasets.load("faithful")
if {backend!r} == "numpyro":
    import numpyro
else:
    import pyro
imported = time.perf_counter()
fit = inference.fit(zoo.load("gaussian_mixture", {backend!r}, K=2), x, engine="em")
done = time.perf_counter()
print(f"fit {{done - imported:.2f}} s, imports {{imported - begun:.2f}} s, {{fit.trace[-1] / 272:.6f}} nats per row")
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpyro")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    for _ in range(given.rounds):
        subprocess.run([sys.executable, "-c", ONE.format(backend=given.backend)], check=True, env=clean)
