"""Discrete latents that are drawn: speed, bounds and order of the estimators for the sigmoid belief network.

    python benchmarks/discrete.py speed [--backend numpyro] [--estimator rloo] [--depth 2] [--epochs 10] [--rounds 5]

Steps per CPU second of training, compared with hand-written loops in JAX and in torch (``discrete_loops``): 200 units,
MNIST's images, binarised anew at each step, batches of 50, Adam at 1e-3, float32, two draws per step of RLOO and the two
of DisARM. The first epoch, which compiles, is not timed. Runs alternate on one thread; the bound of the last epoch shows
that a faster method is not a worse one.
"""

import importlib
import os
import time

from report import Report, make_parser, median_and_range, set_threads

Z, WIDTH, BATCH = 200, 200, 50


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("part", choices=("speed",))
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append")
    parser.add_argument("--estimator", action="append")
    parser.add_argument("--depth", type=int, default=2, help="layers of the networks, 0 for linear ones")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    return parser.parse_args()


def make_zoo_trainer(backend, images, estimator, args):
    """A function that trains with the zoo, and calls ``end_epoch`` after each epoch."""
    import zoo
    from inference import fit
    from inference.run.progress import Progress

    settings = {"L": 1, "Z": Z, "width": WIDTH, "depth": args.depth, "activation": "leaky_relu"}
    model, steps = zoo.load("sigmoid_belief_network", backend=backend, **settings), len(images) // BATCH
    options = {"batch_size": BATCH, "learning_rate": args.learning_rate, "gradient": estimator, "dtype": "float32"}
    options["num_particles"] = 2 if estimator == "rloo" else 1

    def train(epochs, end_epoch, seed=0):
        def update(self, done, message=""):
            if done % steps == 0:
                end_epoch(None)

        Progress.update = update
        result = fit(model, images, "svi", num_epochs=epochs, seed=seed, **options)
        return result.diagnostics["epochs"]["bound_nats_per_row"][-1]

    return train


def rate_and_bound(train, args, seed):
    """Steps per CPU second after the first epoch, and the bound of the last epoch in nats per row."""
    times, bounds = [], []

    def end_epoch(bound):
        times.append(time.process_time())
        bounds.append(bound)

    bound = train(args.epochs, end_epoch, seed)
    assert len(times) == args.epochs
    steps = args.images // BATCH * (args.epochs - 1)
    return steps / (times[-1] - times[0]), bounds[-1] if bound is None else bound


def speed(report, args):
    """The zoo against a hand-written loop, for each backend and estimator."""
    import numpy as np

    from zoo import datasets
    from zoo.data.moments import log_odds

    images = datasets.observed("mnist").take(np.arange(args.images))
    loc = log_odds(images).astype(np.float32)  # the logits that the zoo's decoder adds its output to
    for backend in args.backend or ("numpyro", "pyro"):
        loops = importlib.import_module(f"discrete_loops.in_{backend}")
        for estimator in args.estimator or ("rloo", "disarm"):
            arguments = np.asarray(images.raw), loc, Z, (WIDTH,) * args.depth, BATCH, estimator, args.learning_rate
            trainers = make_zoo_trainer(backend, images, estimator, args), loops.make_trainer(*arguments)
            rounds = [[rate_and_bound(train, args, seed) for train in trainers] for seed in range(args.rounds)]
            rates, bounds = np.moveaxis(np.array(rounds), -1, 0)
            best, ratios = rates.max(0), rates[:, 0] / rates[:, 1]
            zoo_bound, loop_bound = np.median(bounds, axis=0)
            text = (
                f"{backend:>8} {estimator:>7}: {best[0]:5.0f} steps per CPU second in the best round, loop "
                f"{best[1]:5.0f}, ratio {best[0] / best[1]:.2f}, by rounds median {median_and_range(ratios, 2)}; bound "
                f"{zoo_bound:.2f}, loop {loop_bound:.2f} nats"
            )
            record = {"rates": best, "ratio": best[0] / best[1], "ratios": ratios, "bounds": [zoo_bound, loop_bound]}
            report.add(text, backend=backend, estimator=estimator, **record)


def main(args):
    report = Report(__file__, args)
    {"speed": speed}[args.part](report, args)
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(args)
