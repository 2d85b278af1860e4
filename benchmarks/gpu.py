"""The same models on a GPU as on the CPU, and larger data on both: agreement and speed-up.

    python benchmarks/gpu.py [--rows 1000000]

EM of factor models is numpy on the CPU whatever the device (an iteration is some small matrices, however many the
rows): of those SVI, NUTS and the gradients they take are shown, the factors integrated out. Says so and ends well
where JAX finds no GPU.
"""

import argparse
import time

DEVICES = ("cpu", "gpu")


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

    log_likelihoods_by_em()
    posterior_means()
    seconds_by_em(rows)
    seconds_by_gradients(rows // 10)
    seconds_by_networks(rows // 20)
    resumed(rows // 200)


def log_likelihoods_by_em():
    import inference
    import zoo
    from inference import engines

    print("\nlog-likelihood per row by EM, from one start, 64 bits (factor models: numpy on the CPU, not shown)")
    for model_name in zoo.names():
        card = zoo.card(model_name)
        if card.linear is not None or engines.get("em").refuses(card, "numpyro"):
            continue
        model = zoo.load(model_name, K=2)
        (site,) = card.observed
        x = model.simulate(0, N=500)[site]
        start = inference.fit(model, x, "em", max_iter=1, tol=0.0).params
        fits = {
            d: inference.fit(model, x, "em", start=start, device=d, dtype="float64", tol=1e-10, objective="map")
            for d in DEVICES
        }
        cpu, gpu = (fits[d].trace[-1] / 500 for d in DEVICES)
        print(f"  {model_name:18} cpu {cpu:.9f}  gpu {gpu:.9f}  difference {gpu - cpu:+.1e}")


def posterior_means():
    import inference
    import zoo
    from zoo import datasets

    drawn = zoo.load("factor_analysis").simulate(0, N=200, D=5, Z=1)["x"]
    for model, x, said in (
        (zoo.load("gaussian_mixture", K=2), datasets.load("faithful"), "on Old Faithful"),
        (zoo.load("factor_analysis", Z=1), drawn, "of factor analysis, the factor integrated out, N=200, D=5"),
    ):
        print(f"\nposterior means by SVI and NUTS {said}, in sds of the CPU's NUTS")
        fits = [
            inference.fit(model, x, engine, device=d, dtype="float64", seed=1)
            for d in DEVICES
            for engine in ("nuts", "svi")
        ]
        print(inference.compare(*fits, names=["nuts cpu", "svi cpu", "nuts gpu", "svi gpu"]))


def seconds_by_em(rows):
    from em_gaussian import clusters

    import inference
    import zoo

    print(f"\nEM, Gaussian mixture, full covariance, N={rows}, D=16, K=16, 64 bits: seconds per iteration")
    x, start = clusters(rows, 16, 16)
    model = zoo.load("gaussian_mixture", K=16)

    def run(device, iterations):
        fit = inference.fit(model, x, "em", start=start, device=device, dtype="float64", max_iter=iterations, tol=0.0)
        return fit.trace[-1] / rows

    beside(run, 20, "nats per row")


def seconds_by_gradients(rows):
    import jax
    from em_factors import factors
    from numpyro.infer.util import log_density

    import zoo
    from zoo._backend.in_numpyro import runtime, to_backend

    print(f"\ngradient of factor analysis, factors integrated out, N={rows}, D=64, Z=8, 64 bits: seconds")
    table, keywords = zoo.load("factor_analysis", Z=8).bind(factors(rows, 64, 8))
    model = zoo.load("factor_analysis", **keywords)
    at = {n: v for n, v in model.simulate(1, N=1).items() if n in ("W", "mu", "Psi")}
    program = model.collapsed
    assert program is not None

    def run(device, times):
        with runtime("float64", device):
            data, value = to_backend({**table, **keywords}), 0.0
            both = jax.jit(jax.value_and_grad(lambda params: log_density(program, (), data, params)[0]))
            for _ in range(times):
                value, gradient = both(to_backend(at))
                jax.block_until_ready(gradient)
            return float(value) / rows

    beside(run, 50, "nats per row")


def images(rows):
    """Bytes of 28 by 28 pixels that are bright in one half, which of four it is being what there is to learn."""
    import numpy as np

    from zoo.data.intensities import Intensities

    rng = np.random.default_rng(0)
    side = np.arange(28) < 14
    halves = np.stack([np.broadcast_to(h, (28, 28)) for h in (side, ~side, side[:, None], ~side[:, None])])
    pixels = rng.integers(0, 128, (rows, 28, 28), np.uint8) + 127 * halves[rng.integers(0, 4, rows)].astype(np.uint8)
    return Intensities(pixels.reshape(rows, -1), levels=255)


def seconds_by_networks(rows):
    import inference
    import zoo

    print(f"\nVAE, MLP 200-200, 50 latents, {rows} images of 784 pixels, batch 128, 32 bits: seconds per step")
    x, model = images(rows), zoo.load("vae", Z=50)

    def run(device, steps):
        return inference.fit(model, x, num_steps=steps, device=device).trace[-1] / rows

    beside(run, 500, "nats per image, of one batch")


def resumed(rows):
    import tempfile

    import inference
    import zoo

    x, model = images(rows), zoo.load("vae", Z=50)
    for device in DEVICES:
        with tempfile.TemporaryDirectory() as folder:
            whole = inference.fit(model, x, num_epochs=4, device=device)
            inference.fit(model, x, num_epochs=2, device=device, checkpoint=folder)
            cut = inference.fit(model, x, num_epochs=4, device=device, checkpoint=folder)
        same = all((cut.state[n] == whole.state[n]).all() for n in whole.state)
        print(f"a run that went on from a checkpoint on the {device} is the same bit for bit: {same}")


def beside(run, steps, unit):
    """Seconds per step on either device, and how far apart the values of ``run(device, steps)`` are."""
    seconds, reached = {}, {}
    for device in DEVICES:
        run(device, 2)
        times = []
        for count in (2, 2 + steps):  # the difference: no start, no compilation
            begun = time.perf_counter()
            reached[device] = run(device, count)
            times.append(time.perf_counter() - begun)
        seconds[device] = (times[1] - times[0]) / steps
        print(f"  {device}: {seconds[device]:.4f} s, {reached[device]:.9f} {unit}")
    apart = abs(reached["cpu"] - reached["gpu"])
    print(f"  speed-up {seconds['cpu'] / seconds['gpu']:.1f}, difference in {unit} {apart:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    main(parser.parse_args().rows)
