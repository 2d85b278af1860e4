"""NUTS in NumPyro, beside raw ``MCMC.run`` on the same program: whole runs, compilation included.

    python benchmarks/nuts_draws.py [--rounds 3]

Four chains of 500 + 500 iterations on the Gaussian mixture (K = 2, full covariance) at Old Faithful, its labels
summed out, from the same start and the same target acceptance, each in a fresh process without a compilation cache;
runs are interleaved. The peer runs its chains one after another, vectorised, and in parallel on one host device per
chain; the ratio printed is to the fastest of the three. Draws per second are those of effective size of the log joint.
"""

import argparse
import json
import os
import subprocess
import sys

import numpy as np

METHODS = ("zoo", "sequential", "vectorized", "parallel")


def one(method):
    import time

    import numpyro

    if method == "parallel":
        numpyro.set_host_device_count(4)
    import jax
    from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]
    from numpyro.infer import MCMC, NUTS, init_to_value

    import zoo
    from inference import fit
    from inference.exact.enumeration.in_numpyro import marginalize
    from zoo import datasets
    from zoo._backend.in_numpyro import runtime, to_backend

    model, x = zoo.load("gaussian_mixture", K=2), datasets.load("faithful")
    table, keywords = model.bind(x)
    start = fit(model, x, "em", objective="map").params
    begun = time.perf_counter(), time.process_time()
    if method == "zoo":
        lp = fit(model, x, "nuts", start=start, num_warmup=500, num_samples=500).stats["lp"]
    else:
        with runtime():
            kernel = NUTS(
                marginalize(model.program),
                target_accept_prob=0.9,
                init_strategy=init_to_value(values=to_backend(start)),
            )
            run = MCMC(kernel, num_warmup=500, num_samples=500, num_chains=4, chain_method=method, progress_bar=False)
            fields = ("potential_energy",)
            run.run(jax.random.PRNGKey(0), extra_fields=fields, **to_backend(table), **to_backend(keywords))
            lp = -np.asarray(run.get_extra_fields(group_by_chain=True)["potential_energy"])
            {n: np.asarray(v) for n, v in run.get_samples(group_by_chain=True).items()}
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(json.dumps({"wall": wall, "cpu": cpu, "ess": float(ess(lp, chain_axis=0, draw_axis=1))}))


def main(rounds):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    found = {method: [] for method in METHODS}
    for _ in range(rounds):
        for method, results in found.items():
            words = [sys.executable, __file__, "--one", method]
            said = subprocess.run(words, check=True, env=clean, capture_output=True, text=True).stdout
            results.append(json.loads(said))
    walls = {method: np.median([r["wall"] for r in results]) for method, results in found.items()}
    for method, results in found.items():
        cpu, size = (np.median([r[word] for r in results]) for word in ("cpu", "ess"))
        print(f"{method:>10}: {walls[method]:6.1f} s, of CPU {cpu:6.1f} s; {size:5.0f} effective draws")
    print(f"ratio to the fastest of the three: {min(walls[m] for m in METHODS[1:]) / walls['zoo']:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    one(given.one) if given.one else main(given.rounds)
