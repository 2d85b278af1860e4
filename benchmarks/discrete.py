"""Discrete latents that are drawn: speed of training, bounds on MNIST, the order of the estimators, and a VQ-VAE.

    python benchmarks/discrete.py speed [--backend numpyro] [--estimator rloo] [--depth 2] [--epochs 10] [--rounds 5]
    python benchmarks/discrete.py mnist [--estimator rloo] [--depth 2] [--steps 84000] [--images 60000]
    python benchmarks/discrete.py order [--steps 5000] [--seeds 5]
    python benchmarks/discrete.py vq [--backend numpyro] [--images 5000] [--epochs 60]

Without a part it runs a short version of speed. In all parts but vq the model is ``sigmoid_belief_network`` with 200
units in one layer, its networks linear (``--depth 0``) or with two layers of 200 leaky rectified units (``--depth 2``);
MNIST's images, batches of 50, Adam, float32, one thread. Every estimator has two evaluations of the program in a step:
two draws, or DisARM's one pair.

speed: steps per CPU second of training, compared with hand-written loops in JAX and in torch (``discrete_loops``). The
pixels are drawn anew at each step. The first epoch, which compiles, is not timed. Runs alternate; the bound of the last
epoch shows that a faster method is not a worse one.

mnist: the bound on the images trained on, whose pixels are drawn anew at each step. The learning rate falls linearly
to 0. With layers of units the weight of the KL divergence rises to 1 over the first fifth of training.

order: REINFORCE with a running mean, RLOO and DisARM from equal seeds, on 5,000 images whose pixels are drawn once:
the bound on these images after training, by 20 draws of each, and differences over the seeds.

vq: a convolutional VQ-VAE of 7 x 7 codes with K = 64 codewords and an autoregressive prior, batches of 100: bits per
pixel of reconstruction and rate, and usage and perplexity of the codebook, over all images trained on and over MNIST's
test images.
"""

import importlib
import os
import time
from itertools import product

from report import Report, check_parts, make_parser, measure, median_and_range, options_of, set_threads

Z, WIDTH, BATCH = 200, 200, 50
PAIR = ("rloo", "disarm")
LINEAR = {"learning_rate": 5e-3, "warm_up": 0.0}  # of mnist, where they are not given
NONLINEAR = {"learning_rate": 1e-3, "warm_up": 0.2}
OPTIONS = {
    "speed": {"depth": [2, 0], "estimator": PAIR, "images": 5000, "learning_rate": 1e-3, "epochs": 10, "rounds": 5},
    "mnist": {"depth": [2, 0], "estimator": PAIR, "images": 60_000, "steps": 84_000, **dict.fromkeys(LINEAR)},
    "order": {"depth": [2], "images": 5000, "learning_rate": 1e-3, "steps": 5000, "seeds": 5},
    "vq": {"images": 5000, "learning_rate": 1e-3, "epochs": 60},
}
SHORT = {"epochs": 2, "rounds": 2}  # of speed, where no part is named
BACKENDS = {"speed": ("numpyro", "pyro"), "mnist": ("numpyro",), "order": ("numpyro",), "vq": ("pyro",)}


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(OPTIONS)}; a short speed unless given")
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append", help="as in BACKENDS unless given")
    parser.add_argument("--estimator", choices=PAIR, action="append", help="both unless given")
    parser.add_argument("--depth", type=int, action="append", help="layers of the networks, 0 for linear ones")
    parser.add_argument("--images", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--warm-up", type=float, help="of the KL divergence, a fraction of the steps of mnist")
    parser.add_argument("--steps", type=int, help="of mnist and order")
    parser.add_argument("--epochs", type=int, help="of speed and vq")
    parser.add_argument("--rounds", type=int, help="of speed")
    parser.add_argument("--seeds", type=int, help="of order")
    args = parser.parse_args()
    check_parts(parser, args, OPTIONS)
    return args


def own_options(args, part):
    """The options of one part where they are not given."""
    return {"backend": BACKENDS[part], **OPTIONS[part], **({} if args.part else SHORT)}


def load_model(backend, depth):
    import zoo

    settings = {"L": 1, "Z": Z, "width": WIDTH, "depth": depth, "activation": "leaky_relu"}
    return zoo.load("sigmoid_belief_network", backend=backend, **settings)


def load_images(count):
    import numpy as np

    from zoo import datasets

    return datasets.observed("mnist").take(np.arange(count))


def fit_options(estimator, **options):
    """Options of ``inference.fit`` for two evaluations of the program in a step."""
    draws = 1 if estimator == "disarm" else 2
    return {"batch_size": BATCH, "gradient": estimator, "num_particles": draws, "dtype": "float32", **options}


def make_zoo_trainer(backend, images, depth, estimator, learning_rate):
    """A function that trains with the zoo, and calls ``end_epoch`` after each epoch."""
    from inference import fit
    from inference.run.progress import Progress

    model, steps = load_model(backend, depth), len(images) // BATCH

    def train(epochs, end_epoch, seed=0):
        def update(self, done, message=""):
            if done % steps == 0:
                end_epoch(None)

        Progress.update = update
        options = fit_options(estimator, learning_rate=learning_rate, num_epochs=epochs, seed=seed)
        return fit(model, images, "svi", **options).diagnostics["epochs"]["bound_nats_per_row"][-1]

    return train


def rate_and_bound(train, epochs, steps, seed):
    """Steps per CPU second after the first epoch of ``steps``, and the bound of the last epoch in nats per row."""
    times, bounds = [], []

    def end_epoch(bound):
        times.append(time.process_time())
        bounds.append(bound)

    bound = train(epochs, end_epoch, seed)
    assert len(times) == epochs
    return steps * (epochs - 1) / (times[-1] - times[0]), bounds[-1] if bound is None else bound


def speed(report, backend, depth, estimator, images, learning_rate, epochs, rounds):
    """The zoo against a hand-written loop, for each backend, depth and estimator."""
    import numpy as np

    from zoo.data.moments import log_odds

    images = load_images(images)
    loc = log_odds(images).astype(np.float32)  # the logits that the zoo's decoder adds its output to
    for language, layers, name in product(backend, depth, estimator):
        loops = importlib.import_module(f"discrete_loops.in_{language}")
        arguments = np.asarray(images.raw), loc, Z, (WIDTH,) * layers, BATCH, name, learning_rate
        zoo = make_zoo_trainer(language, images, layers, name, learning_rate)
        trainers, steps = {"zoo": zoo, **loops.make_trainers(*arguments)}, len(images) // BATCH
        results = [[rate_and_bound(t, epochs, steps, seed) for t in trainers.values()] for seed in range(rounds)]
        rates, bounds = np.moveaxis(np.array(results), -1, 0)
        best = rates.max(0)
        for i, method in enumerate(trainers):
            ratios, bound = rates[:, 0] / rates[:, i], np.median(bounds[:, i])
            text = (
                f"{language:>8} depth {layers} {name:>7} {method:>13}: {best[i]:5.0f} steps per CPU second in its best "
                f"round, bound {bound:.2f} nats; zoo / this {best[0] / best[i]:.2f}, by rounds median "
                f"{median_and_range(ratios, 2)}"
            )
            record = {"best_rate": best[i], "bound": bound, "ratio": best[0] / best[i], "ratios": ratios}
            report.add(text, part="speed", backend=language, depth=layers, estimator=name, method=method, **record)


def mnist(report, backend, depth, estimator, images, learning_rate, steps, warm_up):
    """The bound on the training images after some steps, for each depth and estimator."""
    import inference

    images = load_images(images)
    for language, layers, name in product(backend, depth, estimator):
        own = NONLINEAR if layers else LINEAR
        rate = linear_decay(own["learning_rate"] if learning_rate is None else learning_rate, steps)
        ramp = own["warm_up"] if warm_up is None else warm_up
        options = fit_options(name, num_steps=steps, learning_rate=rate, warm_up=ramp)
        model = load_model(language, layers)
        fit, wall, cpu = measure(lambda m=model, o=options: inference.fit(m, images, "svi", **o))
        last = fit.trace[-min(steps, 1200) :].mean() / len(images)
        elbo = fit.diagnostics["elbo_nats_per_row"]
        text = (
            f"{language:>8} depth {layers} {name:>7}: training bound {last:.2f} nats per image over the last "
            f"{min(steps, 1200)} of {steps} steps, {elbo:.2f} at the end; {cpu:.0f} s of CPU, {wall:.0f} s"
        )
        record = {"bound": last, "elbo": elbo, "cpu": cpu, "wall": wall}
        report.add(text, part="mnist", backend=language, depth=layers, estimator=name, **record)


def linear_decay(first, steps):
    """A learning rate that falls linearly to 0."""
    return lambda step: first * (1 - step / steps)


def order(report, backend, depth, images, learning_rate, steps, seeds):
    """The bound that each estimator attains from each seed, and the differences between estimators."""
    import numpy as np

    import inference
    from inference.evaluation.held_out import elbo_split
    from inference.objectives.estimators.reinforce import Reinforce

    pixels = load_images(images).binarise(seed=0)
    estimators = {"reinforce": Reinforce(baseline="running_mean"), "rloo": "rloo", "disarm": "disarm"}
    for language, layers in product(backend, depth):
        model, bounds = load_model(language, layers), {name: [] for name in estimators}
        for seed in range(seeds):
            for name, estimator in estimators.items():
                options = fit_options(estimator, num_steps=steps, learning_rate=learning_rate, seed=seed)
                split = elbo_split(inference.fit(model, pixels, "svi", **options), num_samples=20)
                bounds[name].append(split.elbo_nats_per_example)
                text = f"  seed {seed} {name:>9}: {bounds[name][-1]:.3f} nats ({split.monte_carlo_error:.3f})"
                report.add(text, part="order", seed=seed, depth=layers, estimator=name, bound=bounds[name][-1])
        for name, values in bounds.items():
            report.add(f"{language:>8} depth {layers} {name:>9}: {mean_and_error(values)} nats per image")
        for better, worse in (("disarm", "rloo"), ("rloo", "reinforce")):
            difference = np.subtract(bounds[better], bounds[worse])
            text = f"{language:>8} depth {layers} {better} - {worse}: {mean_and_error(difference)} nats, equal seeds"
            report.add(text, part="order", depth=layers, better=better, worse=worse, difference=difference)


def vq(report, backend, images, learning_rate, epochs):
    """What a VQ-VAE's codes of images cost, on the images trained on and on others."""
    import inference
    import zoo
    from inference import latents
    from zoo import datasets

    training, test = load_images(images), datasets.observed("mnist", part="test")
    settings = {"M": 49, "K": 64, "Z": 16, "network": "convolutional", "width": 128, "prior": "autoregressive"}
    options = {"batch_size": 100, "num_epochs": epochs, "learning_rate": learning_rate}
    for language in backend:
        model = zoo.load("vq_vae", backend=language, **settings)
        fit, wall, cpu = measure(lambda m=model: inference.fit(m, training, "svi", **options))
        text = f"{language:>8} VQ-VAE, {images} images, {epochs} epochs: {cpu:.0f} s of CPU, {wall:.0f} s"
        report.add(text, part="vq", backend=language, cpu=cpu, wall=wall)
        for name, rows in (("training images", training), ("test images", test)):
            use = latents.codebook(fit, rows)
            nats = {"reconstruction": use.reconstruction, "rate": use.rate, "bound": use.bound}
            record = {"usage": use.usage, "perplexity": use.perplexity, "bits_per_pixel": use.bits_per_dimension}
            report.add(f"{len(rows)} {name}\n{use}", part="vq", backend=language, rows=name, nats=nats, **record)


def mean_and_error(values):
    """Mean and its standard error over seeds as text."""
    import numpy as np

    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{np.mean(values):.2f} (standard error {error:.2f})"


def main(args):
    report = Report(__file__, args)
    for part in args.part or ["speed"]:
        own = own_options(args, part)
        {"speed": speed, "mnist": mnist, "order": order, "vq": vq}[part](report, **options_of(args, own))
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(args)
