"""Disentanglement of sprites: metrics, ELBO and the terms of the KL divergence for several objectives and seeds.

    python benchmarks/disentanglement.py                          the ELBO and beta-TC (beta = 6), three seeds
    python benchmarks/disentanglement.py --objective "factor(gamma=10)" --objective dip --seeds 1
    python benchmarks/disentanglement.py --folder fits            fits are saved there, and read where they exist
    python benchmarks/disentanglement.py --trial                  CPU time of a step, and of all fits

``vae`` with 10 latents on ``sprites``: 32 x 32 pixels, 3 shapes x 4 scales x 16 x 16 positions, 3072 images; MLPs,
Bernoulli pixels drawn anew in each step, Adam, float32, one thread. The codes of all images are scored by
``inference.disentanglement.report``. The interval of a fit is by random halves of the images, and does not include
training; that of an objective is of Student's t over its seeds.
"""

import os
import time
from itertools import combinations
from pathlib import Path

from report import Report, make_parser, measure, set_threads

OBJECTIVES = ("beta(beta=1)", "beta_tc(beta=6)")  # beta = 1 is the ELBO, with the terms of its KL divergence
METRICS = (
    "mig", "mig_sampled", "dci", "sap_r2", "sap_svm", "factor_vae", "modularity", "infomec", "explicitness", "irs",
)  # fmt: skip
SHOWN = ("mig", "mig_sampled", "dci D", "dci C", "sap_r2", "factor_vae", "infomec InfoM", "infomec InfoC")
TRIAL = 200  # steps


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--objective", action="append", help=f"of svi; {' and '.join(OBJECTIVES)} unless given")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), default="numpyro")
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--batch", type=int, default=128, help="images of a step")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=float, default=0.0, help="of the KL divergence, a fraction of training")
    parser.add_argument("--latents", type=int, default=10)
    parser.add_argument("--width", type=int, default=256, help="units of each layer")
    parser.add_argument("--depth", type=int, default=2, help="layers of units")
    parser.add_argument("--folder", help="of the fits, where they are saved")
    parser.add_argument("--slow", action="store_true", help="DCI by boosting instead of a random forest")
    parser.add_argument("--trial", action="store_true", help=f"time {TRIAL} steps of each objective")
    return parser.parse_args()


def train(args, images, objective, seed, steps=None):
    """A fit of these options."""
    import inference
    import zoo

    model = zoo.load("vae", backend=args.backend, Z=args.latents, width=args.width, depth=args.depth)
    return inference.fit(
        model,
        images,
        "svi",
        objective=objective,
        num_steps=steps or args.steps,
        batch_size=args.batch,
        learning_rate=args.learning_rate,
        warm_up=args.warm_up,
        dtype="float32",
        seed=seed,
    )


def folder_of(args, objective, seed):
    """The folder of a saved fit, whose name has its options; None where fits are not saved."""
    if args.folder is None:
        return None
    sizes = f"{args.backend}-{args.latents}-{args.width}x{args.depth}"
    training = f"{args.steps}-{args.batch}-{args.learning_rate:g}-{args.warm_up:g}"
    word = "".join(c if c.isalnum() else "_" for c in objective).strip("_")
    return Path(args.folder) / f"{word}-{seed}-{sizes}-{training}"


def train_or_read(args, images, objective, seed):
    """A fit, and the CPU seconds of its training, None where it was read from its folder."""
    import inference

    folder = folder_of(args, objective, seed)
    if folder is not None and folder.exists():
        return inference.load(folder), None
    fit, _, cpu = measure(train, args, images, objective, seed)
    if folder is not None:
        fit.save(folder)
    return fit, cpu


def interval_over_seeds(values):
    """Mean and 95% interval of the mean, by Student's t over the seeds."""
    import numpy as np
    from scipy.stats import t

    values = np.asarray(values)
    reach = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return values.mean(), values.mean() - reach, values.mean() + reach


def text_of(values):
    """Mean and interval of a score as text."""
    mean, low, high = interval_over_seeds(values)
    return f"{mean:.3f} ({low:.3f} to {high:.3f})" if len(values) > 1 else f"{mean:.3f}"


def trial(args, report, images):
    """CPU time of a step of each objective, from the half of a short training to its end, and of all fits."""
    from inference.run.progress import Progress

    times = {}

    def update(self, done, message=""):
        times[done] = time.process_time()

    Progress.update = update
    for objective in args.objective:
        times.clear()
        cpu = measure(train, args, images, objective, 0, TRIAL).cpu
        first = min(done for done in times if done >= TRIAL / 2)
        step = (times[TRIAL] - times[first]) / (TRIAL - first)
        seconds = args.seeds * (args.steps * step + cpu)
        text = f"{objective}: {1e3 * step:.1f} ms of CPU a step, about {seconds:.0f} s for {args.seeds} fits"
        report.add(text, objective=objective, milliseconds=1e3 * step, seconds=seconds)


def main(args):
    import numpy as np

    from inference import disentanglement
    from zoo import datasets

    report, images, factors = Report(__file__, args), datasets.observed("sprites"), datasets.factors("sprites")
    args.objective = args.objective or list(OBJECTIVES)
    if args.trial:
        trial(args, report, images)
        return report.write()
    results = {}
    for seed in range(args.first_seed, args.first_seed + args.seeds):  # objectives alternate
        for objective in args.objective:
            fit, cpu = train_or_read(args, images, objective, seed)
            begin = time.process_time()
            scores = disentanglement.report(fit, images, factors, metrics=METRICS, fast=not args.slow, seed=seed)
            seconds = time.process_time() - begin
            d = fit.diagnostics
            values = {s.label: s.value for s in scores.scores}
            low, high = scores["mig"].interval
            terms = ", ".join(f"{name} {value:.2f}" for name, value in d["kl_terms"].items())
            kl = sum(d["kl_by_dimension"])
            report.add(
                f"{objective}, seed {seed}: MIG {values['mig']:.3f} ({low:.3f} to {high:.3f}; ceiling "
                f"{scores['mig'].ceiling:.3f}), ELBO {d['elbo_nats_per_row']:.2f} nats, KL {kl:.2f} "
                f"({terms}), dead {list(scores.dead)}; CPU {'of an earlier run' if cpu is None else f'{cpu:.0f} s'}, "
                f"metrics {seconds:.0f} s",
                objective=objective,
                seed=seed,
                scores={s.label: [s.value, *s.interval, s.floor, s.ceiling] for s in scores.scores},
                elbo=d["elbo_nats_per_row"],
                kl_terms=d["kl_terms"],
                kl_by_dimension=np.asarray(d["kl_by_dimension"]),
                dead=list(scores.dead),
                cpu=cpu,
                information=scores.matrices["mig"],
            )
            terms_of = {name: float(value) for name, value in d["kl_terms"].items()}
            results.setdefault(objective, []).append({**values, **terms_of, "ELBO": d["elbo_nats_per_row"]})
    show_table(args, report, results)
    return report.write()


def show_table(args, report, results):
    """Means and intervals over seeds of each objective, and whether the intervals of MIG are disjoint."""
    first = next(iter(results.values()))[0]
    names = [*SHOWN, "ELBO", *[name for name in first if name not in SHOWN and name != "ELBO"]]
    report.add(f"\nmean and 95% interval of the mean over {args.seeds} seeds")
    for name in names:
        line = "; ".join(f"{o} {text_of([r[name] for r in rows])}" for o, rows in results.items())
        intervals = {o: interval_over_seeds([r[name] for r in rows]) for o, rows in results.items()}
        report.add(f"{name}: {line}", score=name, intervals=intervals)
    if args.seeds < 2:
        return
    for a, b in combinations(results, 2):
        (_, low_a, high_a), (_, low_b, high_b) = (interval_over_seeds([r["mig"] for r in results[o]]) for o in (a, b))
        disjoint = low_a > high_b or low_b > high_a
        report.add(f"intervals of MIG, {a} and {b}: {'disjoint' if disjoint else 'not disjoint'}", disjoint=disjoint)


if __name__ == "__main__":
    arguments = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(arguments)
