"""The same models on a GPU as on the CPU, and a larger EM on both: agreement and speed-up.

    python benchmarks/gpu.py [--rows 1000000]

Says so and ends well where JAX finds no GPU.
"""

import argparse
import time


def main(rows):
    import jax

    try:
        name = jax.devices("gpu")[0].device_kind
    except RuntimeError:
        print(
            "no GPU here: JAX finds the CPU alone, so there is nothing to compare. Install a CUDA build of jax first."
        )
        return
    print(f"on {name}, JAX {jax.__version__}")

    import sys
    from pathlib import Path

    import numpy as np

    import inference
    import zoo

    sys.path.insert(0, str(Path(__file__).parent))
    from em_gaussian import clusters

    print("\nlog-likelihood per row by EM, from one start, 64 bits")
    for model_name in zoo.names():
        card = zoo.card(model_name)
        model = zoo.load(model_name, K=2)
        (site,) = card.observed
        x = model.simulate(0, N=500)[site]
        start = inference.fit(model, x, "em", max_iter=1, tol=0.0).params
        fits = {
            d: inference.fit(model, x, "em", start=start, device=d, dtype="float64", tol=1e-10, objective="map")
            for d in ("cpu", "gpu")
        }
        cpu, gpu = (fits[d].trace[-1] / 500 for d in ("cpu", "gpu"))
        print(f"  {model_name:18} cpu {cpu:.9f}  gpu {gpu:.9f}  difference {gpu - cpu:+.1e}")

    print("\nposterior means by SVI and NUTS on Old Faithful, in sds of the CPU's NUTS")
    from zoo import datasets

    x, model = datasets.load("faithful"), zoo.load("gaussian_mixture", K=2)
    fits = [
        inference.fit(model, x, engine, device=d, dtype="float64", seed=1)
        for d in ("cpu", "gpu")
        for engine in ("nuts", "svi")
    ]
    print(inference.compare(*fits, names=["nuts cpu", "svi cpu", "nuts gpu", "svi gpu"]))

    print(f"\nEM, full covariance, N={rows}, D=16, K=16, 64 bits: seconds per iteration")
    x, start = clusters(rows, 16, 16)
    model, seconds, reached = zoo.load("gaussian_mixture", K=16), {}, {}
    for device in ("cpu", "gpu"):

        def run(iterations, device=device):
            begun = time.perf_counter()
            fit = inference.fit(
                model, x, "em", start=start, device=device, dtype="float64", max_iter=iterations, tol=0.0
            )
            reached[device] = fit.trace[-1] / rows
            return time.perf_counter() - begun

        run(2)
        few, many = run(2), run(22)  # the difference: no start, no compilation
        seconds[device] = (many - few) / 20
        print(f"  {device}: {seconds[device]:.4f} s, {reached[device]:.9f} nats per row")
    gain, apart = seconds["cpu"] / seconds["gpu"], np.abs(reached["cpu"] - reached["gpu"])
    print(f"  speed-up {gain:.1f}, difference in nats per row {apart:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    main(parser.parse_args().rows)
