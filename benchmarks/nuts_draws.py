"""NUTS in NumPyro, compared with ``MCMC.run`` on the same program: complete runs, with compilation.

    python benchmarks/nuts_draws.py [--rounds 3]

Four chains of 500 + 500 iterations on the Gaussian mixture (K = 2, full covariance) of Old Faithful, with its labels
marginalised, from the same start and with the same target acceptance probability. Each run has a process of its own
and no compilation cache; runs alternate. NumPyro runs its chains sequentially, vectorised, and in parallel on one
host device per chain; the ratio is to the fastest of the three. Effective draws are those of the log joint density.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from report import Report, make_parser, measure

METHODS = ("zoo", "sequential", "vectorized", "parallel")


def run_method(method):
    """Run one method in this process, and print its record as JSON."""
    import numpyro

    if method == "parallel":
        numpyro.set_host_device_count(4)
    import jax
    import numpy as np
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

    def draw_zoo():
        return fit(model, x, "nuts", start=start, num_warmup=500, num_samples=500).stats["lp"]

    def draw_peer():
        with runtime():
            kernel = NUTS(
                marginalize(model.program),
                target_accept_prob=0.9,
                init_strategy=init_to_value(values=to_backend(start)),
            )
            mcmc = MCMC(kernel, num_warmup=500, num_samples=500, num_chains=4, chain_method=method, progress_bar=False)
            fields = ("potential_energy",)
            mcmc.run(jax.random.PRNGKey(0), extra_fields=fields, **to_backend(table), **to_backend(keywords))
            lp = -np.asarray(mcmc.get_extra_fields(group_by_chain=True)["potential_energy"])
            for values in mcmc.get_samples(group_by_chain=True).values():
                np.asarray(values)  # the zoo returns NumPy arrays too
            return lp

    lp, wall, cpu = measure(draw_zoo if method == "zoo" else draw_peer)
    print(json.dumps({"wall": wall, "cpu": cpu, "ess": float(ess(lp, chain_axis=0, draw_axis=1))}))


def main(args):
    report = Report(__file__, args)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    records = {method: [] for method in METHODS}
    for _ in range(args.rounds):
        for method in METHODS:
            command = [sys.executable, __file__, "--method", method]
            result = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
            records[method].append(json.loads(result.stdout))
    medians = {
        method: {field: statistics.median(r[field] for r in runs) for field in ("wall", "cpu", "ess")}
        for method, runs in records.items()
    }
    for method, record in medians.items():
        text = (
            f"{method:>10}: {record['wall']:6.1f} s, CPU {record['cpu']:6.1f} s; {record['ess']:5.0f} effective draws"
        )
        report.add(text, method=method, **record)
    ratio = min(medians[m]["wall"] for m in METHODS[1:]) / medians["zoo"]["wall"]
    report.add(f"ratio to the fastest of the three: {ratio:.2f}", ratio=ratio)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--method", choices=METHODS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    run_method(args.method) if args.method else main(args)
