"""The same models on a GPU and on the CPU, and larger data on both: differences and speed-up.

    python benchmarks/gpu.py [--rows 1000000] [--seconds 600]          all parts
    python benchmarks/gpu.py discrete codebook                         some of them
    python benchmarks/gpu.py bound --steps 20000 --layout 1x4,7x10     a number of steps, without trials of their time

EM of factor models runs in NumPy on the CPU on any device (an iteration is a few small matrices, however many the
rows), so SVI, NUTS and gradients of these models are compared, with the factors integrated out. Where JAX finds no
GPU, the benchmark says so and exits with status 0.
"""

import tempfile

from report import Report, check_parts, make_parser, measure

DEVICES = ("cpu", "gpu")
DEEP_LAYOUT = "1x4,7x10,14x10,28x8"  # 32 groups
DEEP_SIZES = {"width": 128, "bottleneck": 32, "channels": 16, "bfloat16": True}


def main(args):
    import jax

    try:
        name = jax.devices("gpu")[0].device_kind
    except RuntimeError:
        print("JAX finds no GPU, and nothing is compared: install a CUDA build of jax")
        return
    report = Report(__file__, args)
    report.add(f"{name}, JAX {jax.__version__}", gpu=name)
    for part in args.part or PARTS:
        PARTS[part](report, args)
    report.write()


def em_log_likelihoods(report):
    """EM from one start on both devices, for each model with an enumerated latent."""
    import inference
    import zoo
    from inference import engines

    report.add("\nlog-likelihood per row by EM from one start, 64 bits")
    for model_name in zoo.names():
        card = zoo.card(model_name)
        if card.linear is not None or card.linear_chain is not None or engines.get("em").refuses(card, "numpyro"):
            continue
        model = zoo.load(model_name, K=2)
        (site,) = card.observed
        x = model.simulate(0, N=500)[site]
        if card.sites()[site].kind == "word":
            continue  # variational EM of topics runs in numba on the CPU
        start = inference.fit(model, x, "em", max_iter=1, tol=0.0).params
        cpu, gpu = (
            inference.fit(
                model, x, "em", start=start, device=device, dtype="float64", tol=1e-10, objective="map"
            ).trace[-1]
            / 500
            for device in DEVICES
        )
        text = f"  {model_name:18} cpu {cpu:.9f}  gpu {gpu:.9f}  difference {gpu - cpu:+.1e}"
        report.add(text, check="em", model=model_name, cpu=cpu, gpu=gpu)


def posterior_means(report):
    """SVI and NUTS on both devices, compared."""
    import inference
    import zoo
    from zoo import datasets

    simulation = zoo.load("factor_analysis").simulate(0, N=200, D=5, Z=1)["x"]
    for model, x, title in (
        (zoo.load("gaussian_mixture", K=2), datasets.load("faithful"), "Old Faithful"),
        (zoo.load("factor_analysis", Z=1), simulation, "factor analysis with its factor integrated out, N=200, D=5"),
    ):
        report.add(f"\nposterior means by SVI and NUTS, {title}, in standard deviations of NUTS on the CPU")
        fits = [
            inference.fit(model, x, engine, device=device, dtype="float64", seed=1)
            for device in DEVICES
            for engine in ("nuts", "svi")
        ]
        comparison = inference.compare(*fits, names=["nuts cpu", "svi cpu", "nuts gpu", "svi gpu"])
        report.add(str(comparison), check="posterior means", data=title, comparison=str(comparison))


def em_seconds(report, rows):
    """EM of the Gaussian mixture."""
    from em_gaussian import simulate

    import inference
    import zoo

    report.add(f"\nEM, Gaussian mixture, full covariance, N={rows}, D=16, K=16, 64 bits: seconds per iteration")
    x, start = simulate(rows, 16, 16)
    model = zoo.load("gaussian_mixture", K=16)

    def run(device, iterations):
        fit = inference.fit(model, x, "em", start=start, device=device, dtype="float64", max_iter=iterations, tol=0.0)
        return fit.trace[-1] / rows

    compare_devices(report, "em seconds", run, 20, "nats per row")


def gradient_seconds(report, rows):
    """The gradient of factor analysis with its factors integrated out."""
    import jax
    from em_factors import simulate
    from numpyro.infer.util import log_density

    import zoo
    from zoo._backend.in_numpyro import runtime, to_backend

    report.add(f"\ngradient of factor analysis, factors integrated out, N={rows}, D=64, Z=8, 64 bits: seconds")
    table, keywords = zoo.load("factor_analysis", Z=8).bind(simulate(rows, 64, 8))
    model = zoo.load("factor_analysis", **keywords)
    point = {n: v for n, v in model.simulate(1, N=1).items() if n in ("W", "mu", "Psi")}
    program = model.collapsed
    assert program is not None

    def run(device, times):
        with runtime("float64", device):
            data, value = to_backend({**table, **keywords}), 0.0
            value_and_grad = jax.jit(jax.value_and_grad(lambda params: log_density(program, (), data, params)[0]))
            for _ in range(times):
                value, gradient = value_and_grad(to_backend(point))
                jax.block_until_ready(gradient)
            return float(value) / rows

    compare_devices(report, "gradient seconds", run, 1000, "nats per row")  # a step takes less than compiling varies


def simulate_images(rows):
    """Bytes (N, 784) of images that are bright in one of four halves."""
    import numpy as np

    from zoo.data.intensities import Intensities

    rng = np.random.default_rng(0)
    side = np.arange(28) < 14
    halves = np.stack([np.broadcast_to(h, (28, 28)) for h in (side, ~side, side[:, None], ~side[:, None])])
    pixels = rng.integers(0, 128, (rows, 28, 28), np.uint8) + 127 * halves[rng.integers(0, 4, rows)].astype(np.uint8)
    return Intensities(pixels.reshape(rows, -1), levels=255)


def network_seconds(report, rows):
    """Training of a VAE."""
    import inference
    import zoo

    report.add(f"\nVAE, MLP 200-200, 50 latents, {rows} images of 784 pixels, batch 128, 32 bits: seconds per step")
    x, model = simulate_images(rows), zoo.load("vae", Z=50)

    def run(device, steps):
        return inference.fit(model, x, num_steps=steps, device=device).trace[-1] / rows

    compare_devices(report, "network seconds", run, 500, "nats per image, of one batch")


def discrete_seconds(report, rows):
    """Training of the sigmoid belief network with two layers of units, by each estimator."""
    import inference
    import zoo

    settings = {"L": 2, "Z": 200, "width": 200, "depth": 2, "activation": "leaky_relu"}
    x, model = simulate_images(rows), zoo.load("sigmoid_belief_network", **settings)
    for estimator, draws in (("rloo", 2), ("disarm", 1)):
        text = f"sigmoid belief network, 200-200 units, {estimator}, {rows} images of 784 pixels, batch 128, 32 bits"
        report.add(f"\n{text}: seconds per step")
        options = {"batch_size": 128, "gradient": estimator, "num_particles": draws, "learning_rate": 1e-3}

        def run(device, steps, options=options):
            return inference.fit(model, x, "svi", num_steps=steps, device=device, **options).trace[-1] / rows

        compare_devices(report, f"{estimator} seconds", run, 500, "nats per image, of one batch")


def codebook_seconds(report, rows):
    """Training of a convolutional VQ-VAE with an autoregressive prior."""
    import inference
    import zoo

    settings = {"M": 49, "K": 64, "Z": 16, "network": "convolutional", "width": 128, "prior": "autoregressive"}
    x, model = simulate_images(rows), zoo.load("vq_vae", **settings)
    report.add(f"\nVQ-VAE, 7 x 7 codes, K = 64, {rows} images of 784 pixels, batch 128, 32 bits: seconds per step")

    def run(device, steps):
        options = {"batch_size": 128, "num_steps": steps, "device": device}
        return inference.fit(model, x, "svi", **options).trace[-1] / rows

    compare_devices(report, "codebook seconds", run, 100, "nats per image, of one batch")


def hierarchy_seconds(report, rows):
    """Training of a very deep VAE of 32 groups, in 32 bits and in 16."""
    import inference
    import zoo

    x = simulate_images(rows)
    for bfloat16 in (False, True):
        model = zoo.load("very_deep_vae", layout=DEEP_LAYOUT, bfloat16=bfloat16)
        bits = 16 if bfloat16 else 32
        report.add(
            f"\nvery deep VAE, {DEEP_LAYOUT}, {rows} images of 784 pixels, batch 32, {bits} bits: seconds per step"
        )

        def run(device, steps, model=model):
            options = {"batch_size": 32, "num_steps": steps, "learning_rate": 1e-3, "device": device}
            return inference.fit(model, x, "svi", **options).trace[-1] / rows

        compare_devices(report, f"hierarchy seconds, {bits} bits", run, 10, "nats per image, of one batch")


def colour_hierarchy(report):
    """A very deep VAE of images of the shape of CIFAR-10, noise of 256 levels."""
    import numpy as np

    import inference
    import zoo

    x = np.random.default_rng(0).integers(0, 256, (1024, 32 * 32 * 3)).astype(float)
    settings = {"likelihood": "discretised_logistic", "shape": (32, 32, 3), "width": 64, "bottleneck": 16}
    model = zoo.load("very_deep_vae", layout="1x4,4x6,8x8,16x8,32x6", bfloat16=True, **settings)
    options = {"batch_size": 64, "num_steps": 200, "learning_rate": 1e-3, "skip_above": 10}
    fit, wall, _ = measure(lambda: inference.fit(model, x, "svi", device="gpu", **options))
    bits = fit.diagnostics["bits_per_dimension"]
    report.add(f"\nvery deep VAE, 32 x 32 x 3, 32 groups, 200 steps of 64: {wall:.0f} s, {bits:.2f} bits", bits=bits)


def hierarchy_bound(
    report,
    seconds,
    steps=None,
    device="gpu",
    layout=DEEP_LAYOUT,
    sizes=DEEP_SIZES,
    images=60_000,
    tests=10_000,
    trials=(100, 400),
):
    """MNIST under a very deep VAE, trained for some time: bound and log p(x) of the test images, by every tenth.

    steps: of the fit; without it they are those of ``seconds``. trials: steps of two fits, by whose difference the
    step of the third is timed, without compilation.
    """
    import numpy as np

    import inference
    import zoo
    from inference.evaluation.held_out import elbo_split
    from zoo import datasets

    images = datasets.observed("mnist").take(np.arange(images))
    test = datasets.observed("mnist", part="test").take(np.arange(tests))
    model = zoo.load("very_deep_vae", layout=layout, **sizes)

    def train(steps):
        def rate(step):
            return 1e-3 * (1 - step / steps)

        options = {"batch_size": 128, "num_steps": steps, "learning_rate": rate, "learning_rate_warm_up": 0.01}
        options |= {"weight_decay": 0.01, "weight_average": 0.999, "warm_up": 0.1, "skip_above": 10, "device": device}
        return inference.fit(model, images, "svi", progress=True, **options)

    if steps is None:
        first, second = (measure(train, n).wall for n in trials)
        step = max(second - first, 1e-3) / (trials[1] - trials[0])
        steps = max(trials[0], round((seconds - first) / step) + trials[0])
    fit, wall, _ = measure(train, steps)
    active, total = len(fit.diagnostics["active_latents"]), len(fit.diagnostics["kl_by_latent"])
    report.add(f"\nMNIST, very deep VAE, {layout}: {steps} steps in {wall:.0f} s, {active} of {total} groups active")
    split, wall, _ = measure(lambda: elbo_split(fit, test, num_samples=5))
    report.add(f"{split}\nevaluated in {wall:.0f} s", check="bound", elbo=split.elbo_nats_per_example)
    tenth = test.take(np.arange(0, tests, 10))
    log_p, wall, _ = measure(lambda: inference.log_marginal(fit, tenth, num_samples=500))
    report.add(f"{log_p}\nevaluated in {wall:.0f} s", check="log p", log_p=log_p.log_p.mean(), active=active)


def resume(report, rows):
    """Whether training that continues from a checkpoint equals training in one go."""
    import inference
    import zoo

    x, model = simulate_images(rows), zoo.load("vae", Z=50)
    for device in DEVICES:
        with tempfile.TemporaryDirectory() as folder:
            complete = inference.fit(model, x, num_epochs=4, device=device)
            inference.fit(model, x, num_epochs=2, device=device, checkpoint=folder)
            resumed = inference.fit(model, x, num_epochs=4, device=device, checkpoint=folder)
        is_equal = all((resumed.state[n] == complete.state[n]).all() for n in complete.state)
        text = f"resumed from a checkpoint on the {device}, equal bit for bit: {is_equal}"
        report.add(text, check="resume", device=device, equal=is_equal)


def compare_devices(report, check, run, steps, unit):
    """Seconds per step on each device, and the difference of the values of ``run(device, steps)``."""
    seconds, values = {}, {}
    for device in DEVICES:
        run(device, 2)
        few, many = measure(run, device, 2), measure(run, device, 2 + steps)  # the difference has no compilation
        seconds[device], values[device] = (many.wall - few.wall) / steps, many.result
        report.add(f"  {device}: {seconds[device]:.4f} s, {values[device]:.9f} {unit}")
    difference = abs(values["cpu"] - values["gpu"])
    text = f"  speed-up {seconds['cpu'] / seconds['gpu']:.1f}, difference {difference:.1e} {unit}"
    report.add(text, check=check, seconds=seconds, difference=difference)


PARTS = {
    "em": lambda report, args: em_log_likelihoods(report),
    "posteriors": lambda report, args: posterior_means(report),
    "em_seconds": lambda report, args: em_seconds(report, args.rows),
    "gradient": lambda report, args: gradient_seconds(report, args.rows // 10),
    "network": lambda report, args: network_seconds(report, args.rows // 20),
    "discrete": lambda report, args: discrete_seconds(report, args.rows // 20),
    # the bound of all rows at the end is slow on the CPU
    "codebook": lambda report, args: codebook_seconds(report, args.rows // 200),
    "hierarchy": lambda report, args: hierarchy_seconds(report, args.rows // 1000),
    "colour": lambda report, args: colour_hierarchy(report),
    "bound": lambda report, args: hierarchy_bound(report, args.seconds, args.steps, layout=args.layout),
    "resume": lambda report, args: resume(report, args.rows // 200),
}

if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all unless given")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=600.0, help="of the training of a very deep VAE")
    parser.add_argument("--steps", type=int, help="of the training of a very deep VAE, instead of seconds")
    parser.add_argument("--layout", default=DEEP_LAYOUT, help="of the very deep VAE whose bound is measured")
    options = parser.parse_args()
    check_parts(parser, options, PARTS)
    main(options)
