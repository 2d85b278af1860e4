"""Hierarchies of latents: speed of a very deep VAE, and MNIST under five layers of codes beside one of equal time.

    python benchmarks/hierarchy.py speed [--backend numpyro] [--layout 1x4,2x8,4x10,8x10] [--epochs 4] [--rounds 3]
    python benchmarks/hierarchy.py digits [--backend numpyro] [--steps 8000]
    python benchmarks/hierarchy.py mnist [--method ladder] [--backend numpyro] [--seconds 600] [--images 60000]
    python benchmarks/hierarchy.py mnist --steps 60000        the number of steps, in place of the CPU time of a fit

Without a part it runs a short version of mnist.

speed: CPU time of a step of ``very_deep_vae`` with 32 groups on the digits (8 x 8 pixels, dynamic binarisation, 32
channels, batches of 50, Adam, float32, one thread): the shared run of program and posteriors, the same guide and
program one after the other, and a hand-written loop (``hierarchy_loops``). The first epoch is not timed; it shows what
compiling takes. Runs alternate; the bound of the last epoch shows that a faster method is not a worse one.

digits: ``very_deep_vae`` with 32 groups, and ``vae`` with 16 latents for the same CPU time, trained on the 1,500 digits
of the training part, of which 10% choose the weights of each; active groups, bound and log p(x) of the 297 others.

mnist: ``deep_latent_gaussian`` of 64-32-16-8-4 dimensions with its two encoders, ladder and bottom_up, and ``vae`` with
50. Networks of 256-256 units next to the pixels, dynamic binarisation, batches of 128, float32, one thread; Adam with a
learning rate that falls linearly from 0.001 to 0, moving average of the weights with decay 0.999. Each fit has the same
CPU time, with compilation and with the evaluation of all images at its end: a trial of 1000 steps determines how many
steps that is. No choice depends on the test images. Of them it prints the ELBO by 10 draws each, KL divergence and
active units of each layer (KL above 0.01 nats, or, where the KL of bottom_up is of the layer alone, variance of the
posterior mean above 0.01), and log p(x) by importance sampling, for every tenth image.
"""

import importlib
import os
import resource
import time
from itertools import product
from typing import Any

from report import Report, check_parts, make_parser, measure, median_and_range, options_of, set_threads

WIDTHS, WIDTH, BATCH, TRIAL = (64, 32, 16, 8, 4), 256, 128, 1000
SPEED_BATCH = 50
DIGITS_LAYOUT = "1x32"  # on finer grids a step takes longer, and fewer fit into the time
DEEP_OPTIONS = {  # of svi, for digits
    "learning_rate": 3e-3,
    "kl": "analytic",
    "warm_up": 0.2,
    "free_bits": 0.012,
    "learning_rate_warm_up": 0.02,
    "weight_decay": 0.01,
    "skip_above": 10,
}
METHODS = ("ladder", "bottom_up", "vae")
LAYOUT, SIZES = "1x4,2x8,4x10,8x10", {"width": 32, "bottleneck": 8, "channels": 4, "depth": 2}
OPTIONS = {
    "digits": {"steps": 8000, "draws": 500},
    "speed": {"layout": LAYOUT, "epochs": 4, "rounds": 3},
    "mnist": {
        "method": METHODS,
        "images": 60_000,
        "seconds": 600.0,
        "steps": None,
        "tests": 10_000,
        "draws": 1000,
    },
}
SHORT = {"images": 5000, "seconds": 60.0, "tests": 1000, "draws": 100}  # where no part is named
BACKENDS = {"speed": ("numpyro", "pyro"), "digits": ("numpyro",), "mnist": ("numpyro",)}


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(OPTIONS)}; a short mnist unless given")
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append", help="as in BACKENDS unless given")
    parser.add_argument("--method", choices=METHODS, action="append", help="of mnist, all unless given")
    parser.add_argument("--images", type=int, help="number of training images")
    parser.add_argument("--seconds", type=float, help="of CPU, for each fit of mnist")
    parser.add_argument("--steps", type=int, help="of digits, and of mnist in place of --seconds")
    parser.add_argument("--tests", type=int, help="number of test images; log p(x) is of every tenth")
    parser.add_argument("--draws", type=int, help="draws for log p(x) of a test image")
    parser.add_argument("--layout", help="of speed")
    parser.add_argument("--epochs", type=int, help="of speed, from 2 up")
    parser.add_argument("--rounds", type=int, help="of speed")
    args = parser.parse_args()
    check_parts(parser, args, OPTIONS)
    return args


def own_options(args, part):
    """The options of one part where they are not given."""
    return {"backend": BACKENDS[part], **OPTIONS[part], **({} if args.part else SHORT)}


def load_model(backend, method):
    import zoo

    if method == "vae":
        return zoo.load("vae", backend=backend, Z=50, width=WIDTH, depth=2)
    return zoo.load("deep_latent_gaussian", backend=backend, encoder=method, widths=WIDTHS, width=WIDTH, depth=2)


def train(model, images, steps, learning_rate=1e-3, **options):
    """A fit of this many steps."""
    import inference

    options = {"batch_size": BATCH, "num_steps": steps, "weight_average": 0.999, "dtype": "float32", **options}
    return inference.fit(model, images, "svi", learning_rate=lambda step: learning_rate * (1 - step / steps), **options)


def steps_within(model, images, seconds, **options):
    """The number of steps of a fit that takes this CPU time in all, by a trial."""
    from inference.run.progress import Progress

    times, show = {}, Progress.update

    def update(self, done, message=""):
        times[done] = time.process_time()

    Progress.update = update
    try:
        trial = measure(lambda: train(model, images, TRIAL, **options))
    finally:
        Progress.update = show
    first = min(done for done in times if done >= TRIAL / 4)
    step = (times[TRIAL] - times[first]) / (TRIAL - first)
    return max(TRIAL, round((seconds - trial.cpu) / step) + TRIAL)


def make_zoo_trainer(backend, images, layout, separate):
    """A function that trains the very deep VAE with the zoo, and calls ``end_epoch`` after each epoch."""
    import zoo
    from inference import fit
    from inference.run.progress import Progress

    module = importlib.import_module(f"guides.very_deep_vae.in_{backend}")
    model, steps = zoo.load("very_deep_vae", backend=backend, layout=layout, **SIZES), len(images) // SPEED_BATCH

    def guide(program, start=None):
        return module.SharedGuide(program, module.posterior, module.encoder, separate)

    def train(epochs, end_epoch, seed=0):
        def update(self, done, message=""):
            if done % steps == 0:
                end_epoch(None)

        Progress.update = update
        options = {"batch_size": SPEED_BATCH, "learning_rate": 1e-3, "dtype": "float32", "minibatches": "device"}
        result = fit(model, images, "svi", guide=guide, num_epochs=epochs, seed=seed, **options)
        return result.diagnostics["epochs"]["bound_nats_per_row"][-1]

    return train


def time_and_bound(train, epochs, steps, seed):
    """Of one training: milliseconds of CPU for a step, CPU seconds of the first epoch, and the last epoch's bound."""
    start, times, bounds = time.process_time(), [], []

    def end_epoch(bound):
        times.append(time.process_time())
        bounds.append(bound)

    bound = train(epochs, end_epoch, seed)
    assert len(times) == epochs
    step = 1e3 * (times[-1] - times[0]) / (steps * (epochs - 1))
    return step, times[0] - start, bounds[-1] if bound is None else bound


def speed(report, backend, layout, epochs, rounds):
    """The shared run against two runs and a hand-written loop, for each backend."""
    import numpy as np

    from zoo import datasets
    from zoo.data.moments import log_odds

    images = datasets.observed("digits_dynamic", part="train")
    loc, steps = log_odds(images).astype(np.float32), len(images) // SPEED_BATCH
    stages = [tuple(map(int, stage.split("x"))) for stage in layout.split(",")]
    for language in backend:
        loops = importlib.import_module(f"hierarchy_loops.in_{language}")
        sizes = SIZES["width"], SIZES["bottleneck"], SIZES["channels"], SIZES["depth"]
        trainers = {
            "shared": make_zoo_trainer(language, images, layout, separate=False),
            "separate": make_zoo_trainer(language, images, layout, separate=True),
            "loop": loops.make_trainer(np.asarray(images.raw), loc, stages, *sizes, SPEED_BATCH, 1e-3),
        }
        results = [[time_and_bound(t, epochs, steps, seed) for t in trainers.values()] for seed in range(rounds)]
        times, first, bounds = np.moveaxis(np.array(results), -1, 0)
        for i, method in enumerate(trainers):
            ratios = times[:, 0] / times[:, i]
            text = (
                f"{language:>8} {method:>9}: {np.median(times[:, i]):6.1f} ms of CPU a step, first epoch "
                f"{np.median(first[:, i]):5.1f} s, bound {np.median(bounds[:, i]):.2f} nats; shared / this "
                f"{median_and_range(ratios, 2)}"
            )
            record = {"milliseconds": times[:, i], "first_epoch": first[:, i], "bounds": bounds[:, i]}
            report.add(text, part="speed", backend=language, method=method, ratios=ratios, **record)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        report.add(f"{language:>8} memory at most {memory:.0f} MiB, of all methods", part="speed", memory_mib=memory)


def mnist(report, backend, method, images, seconds, steps, tests, draws):
    """Bound, layers and log p(x) of MNIST's test images after equal CPU time, for each method."""
    import numpy as np

    import inference
    from inference.evaluation.held_out import elbo_split
    from zoo import datasets

    images = datasets.observed("mnist").take(np.arange(images))
    test = datasets.observed("mnist", part="test").take(np.arange(0, 10_000, 10_000 // tests))
    tenth = test.take(np.arange(0, len(test), 10))
    for language, name in product(backend, method):
        model = load_model(language, name)
        count = steps or steps_within(model, images, seconds)
        fit, wall, cpu = measure(train, model, images, count)
        split = elbo_split(fit, test, num_samples=10)
        log_p = inference.log_marginal(fit, tenth, num_samples=draws)
        kl = {n: float(v.sum()) for n, v in split.kl_by_dimension.items()}
        units = {n: [int(active.sum()), active.size] for n, active in split.is_active.items()}
        layers = ", ".join(f"{n} {kl[n]:.2f} nats, {units[n][0]} of {units[n][1]} units" for n in kl)
        text = (
            f"{language:>8} {name:>9}: {count} steps, {cpu:.0f} s of CPU, {wall:.0f} s\n"
            f"  training images: ELBO {fit.diagnostics['elbo_nats_per_row']:.2f} nats\n"
            f"  {split}\n  KL and active units: {layers}\n  {log_p}"
        )
        record = {"steps": count, "cpu": cpu, "wall": wall, "elbo": split.elbo_nats_per_example, "kl": kl}
        record |= {"training_elbo": fit.diagnostics["elbo_nats_per_row"], "active_units": units}
        record |= {"log_p": log_p.log_p.mean(), "log_p_error": log_p.log_p.std() / len(tenth) ** 0.5}
        report.add(text, part="mnist", backend=language, method=name, **record)


def digits(report, backend, steps, draws):
    """A very deep VAE of the digits, and one with one layer, after equal CPU time."""
    import inference
    import zoo
    from inference.evaluation.held_out import elbo_split
    from zoo import datasets

    images, test = (datasets.observed("digits_dynamic", part=part) for part in ("train", "test"))
    models: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "very_deep_vae": ({"layout": DIGITS_LAYOUT, "width": 64, "bottleneck": 16, "channels": 2}, DEEP_OPTIONS),
        "vae": ({"Z": 16, "width": 200}, {"warm_up": 0.3}),
    }
    seconds = 0.0  # of CPU, of the first model
    for language, name in product(backend, models):
        settings, own = models[name]
        model, options = zoo.load(name, language, **settings), {**own, "batch_size": 64, "held_out": 0.1}
        count = steps if name == "very_deep_vae" else steps_within(model, images, seconds, **options)
        fit, wall, seconds = measure(lambda m=model, o=options, n=count: train(m, images, n, **o))
        split = elbo_split(fit, test, num_samples=20)
        log_p = inference.log_marginal(fit, test, num_samples=draws)
        kl, active = fit.diagnostics["kl_by_latent"], fit.diagnostics["active_latents"]
        text = (
            f"{language:>8} {name:>13}: {count} steps (best {fit.diagnostics['best_step']}), {seconds:.0f} s of CPU, "
            f"{wall:.0f} s; {len(active)} of {len(kl)} groups active\n  {split}\n  {log_p}"
        )
        record = {"steps": count, "cpu": seconds, "wall": wall, "active": len(active), "kl": kl}
        record |= {"elbo": split.elbo_nats_per_example, "log_p": log_p.log_p}
        report.add(text, part="digits", backend=language, method=name, **record)


def main(args):
    report = Report(__file__, args)
    for part in args.part or ["mnist"]:
        own = own_options(args, part)
        {"digits": digits, "speed": speed, "mnist": mnist}[part](report, **options_of(args, own))
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(args)
