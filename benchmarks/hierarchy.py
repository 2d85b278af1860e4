"""Hierarchies of latents: MNIST under five layers of codes, beside one layer of equal training time.

    python benchmarks/hierarchy.py mnist [--method ladder] [--backend numpyro] [--seconds 600] [--images 60000]
    python benchmarks/hierarchy.py mnist --steps 60000        the number of steps, in place of the CPU time of a fit

Without a part it runs a short version of mnist.

mnist: ``deep_latent_gaussian`` of 64-32-16-8-4 dimensions with its two encoders, ladder and bottom_up, and ``vae`` with
50. Networks of 256-256 units next to the pixels, dynamic binarisation, batches of 128, float32, one thread; Adam with a
learning rate that falls linearly from 0.001 to 0, moving average of the weights with decay 0.999. Each fit has the same
CPU time, with compilation and with the evaluation of all images at its end: a trial of 1000 steps determines how many
steps that is. No choice depends on the test images. Of them it prints the ELBO by 10 draws each, KL divergence and
active units (KL above 0.01 nats) of each layer, and log p(x) by importance sampling, for every tenth image.
"""

import os
import time
from itertools import product

from report import Report, make_parser, measure, set_threads

WIDTHS, WIDTH, BATCH, TRIAL, ACTIVE_KL = (64, 32, 16, 8, 4), 256, 128, 1000, 0.01
METHODS = ("ladder", "bottom_up", "vae")
OPTIONS = {
    "mnist": {"method": METHODS, "images": 60_000, "seconds": 600.0, "steps": None, "tests": 10_000, "draws": 1000},
}
SHORT = {"images": 5000, "seconds": 60.0, "tests": 1000, "draws": 100}  # where no part is named
BACKENDS = {"mnist": ("numpyro",)}


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(OPTIONS)}; a short mnist unless given")
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append", help="as in BACKENDS unless given")
    parser.add_argument("--method", choices=METHODS, action="append", help="of mnist, all unless given")
    parser.add_argument("--images", type=int, help="number of training images")
    parser.add_argument("--seconds", type=float, help="of CPU, for each fit of mnist")
    parser.add_argument("--steps", type=int, help="of mnist, in place of --seconds")
    parser.add_argument("--tests", type=int, help="number of test images; log p(x) is of every tenth")
    parser.add_argument("--draws", type=int, help="draws for log p(x) of a test image")
    args = parser.parse_args()
    unknown = set(args.part) - set(OPTIONS)
    if unknown:
        parser.error(f"{unknown.pop()} is none of {', '.join(OPTIONS)}")
    return args


def options_of(args, part):
    """The options of one part, its own where they are not given."""
    own = {"backend": BACKENDS[part], **OPTIONS[part], **({} if args.part else SHORT)}
    return {name: default if getattr(args, name) is None else getattr(args, name) for name, default in own.items()}


def load_model(backend, method):
    import zoo

    if method == "vae":
        return zoo.load("vae", backend=backend, Z=50, width=WIDTH, depth=2)
    return zoo.load("deep_latent_gaussian", backend=backend, encoder=method, widths=WIDTHS, width=WIDTH, depth=2)


def train(model, images, steps):
    """A fit of this many steps."""
    import inference

    options = {"batch_size": BATCH, "num_steps": steps, "weight_average": 0.999, "dtype": "float32"}
    return inference.fit(model, images, "svi", learning_rate=lambda step: 1e-3 * (1 - step / steps), **options)


def steps_within(model, images, seconds):
    """The number of steps of a fit that takes this CPU time in all, by a trial."""
    from inference.run.progress import Progress

    times, show = {}, Progress.update

    def update(self, done, message=""):
        times[done] = time.process_time()

    Progress.update = update
    try:
        trial = measure(train, model, images, TRIAL)
    finally:
        Progress.update = show
    first = min(done for done in times if done >= TRIAL / 4)
    step = (times[TRIAL] - times[first]) / (TRIAL - first)
    return max(TRIAL, round((seconds - trial.cpu) / step) + TRIAL)


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
        units = {n: [int((v > ACTIVE_KL).sum()), v.size] for n, v in split.kl_by_dimension.items()}
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


def main(args):
    report = Report(__file__, args)
    for part in args.part or ["mnist"]:
        {"mnist": mnist}[part](report, **options_of(args, part))
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(args)
