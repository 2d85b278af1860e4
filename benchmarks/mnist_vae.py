"""-log p(x) of MNIST's test images under a VAE with an MLP of 200-200 and 50 latents, dynamically binarised.

    python benchmarks/mnist_vae.py                            5,000 images, K = 1, at most ten minutes on two cores
    python benchmarks/mnist_vae.py --particles 50 --epochs 100          the same with the importance-weighted bound
    python benchmarks/mnist_vae.py --images 60000 --epochs 500          all images, on a CPU: for 88 nats
    python benchmarks/mnist_vae.py --full --device gpu                  all images, more epochs
    python benchmarks/mnist_vae.py --full --device gpu --particles 50   the recipe for 86

Batches of 128, Adam with a learning rate that falls linearly from 0.001 to 0, moving average of the weights with
decay 0.999; K > 1 particles train by ``iwae`` with doubly reparameterised gradients. Some training images are for
validation, and the weights with their best bound are returned: no choice depends on the test images. log p(x) of the
test images is estimated by importance sampling with 5000 draws each (Burda, Grosse and Salakhutdinov 2016), for every
tenth image, with --full for all. With --folder, a run that stopped continues from its checkpoint, bit for bit.
"""

from report import Report, make_parser, measure

FULL = {"images": 60_000, "epochs": 2000, "tests": 10_000}
SHORT = {"images": 5000, "epochs": 1200, "tests": 1000}


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), default="numpyro")
    parser.add_argument("--device", default="cpu", help="cpu, or gpu as the backend calls it")
    parser.add_argument("--particles", type=int, default=1)
    parser.add_argument("--images", type=int, help="number of training images, with those for validation")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tests", type=int, help="number of test images")
    parser.add_argument("--draws", type=int, default=5000, help="draws for log p(x) of a test image")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--folder", help="folder of the checkpoint and the fit")
    args = parser.parse_args()
    for name, value in (FULL if args.full else SHORT).items():
        setattr(args, name, getattr(args, name) or value)
    return args


def fit_options(args):
    """The options of ``inference.fit``."""
    num_validation = min(1000, args.images // 10)
    steps = (args.images - num_validation) // 128 * args.epochs
    bound = {"objective": "iwae", "gradient": "doubly_reparameterised"} if args.particles > 1 else {}
    return {
        "num_epochs": args.epochs,
        "batch_size": 128,
        "learning_rate": lambda step: 1e-3 * (1 - step / steps),
        "weight_average": 0.999,
        "held_out": num_validation / args.images,
        "checkpoint": args.folder,
        "checkpoint_every": 10,
        "num_particles": args.particles,
        **bound,
    }


def main(args):
    import numpy as np

    import inference
    import zoo
    from zoo import datasets

    report = Report(__file__, args)
    images = datasets.observed("mnist").take(np.arange(args.images))
    test = datasets.observed("mnist", part="test").take(np.arange(0, 10_000, 10_000 // args.tests))
    model = zoo.load("vae", backend=args.backend, Z=50, width=200, depth=2)
    options = {"device": args.device, "progress": True, **fit_options(args)}
    fit, wall, cpu = measure(lambda: inference.fit(model, images, "svi", **options))
    if args.folder:
        fit.save(f"{args.folder}/fit")
    diagnostics = fit.diagnostics
    text = f"{args.images} images, K = {args.particles}, {args.epochs} epochs: {wall:.0f} s, CPU {cpu:.0f}"
    report.add(text, wall=wall, cpu=cpu)
    steps = (args.images - len(diagnostics["rows_held_out"])) // 128
    epoch, elbo = diagnostics["best_step"] / steps, diagnostics["held_out_elbo_nats_per_row"]
    report.add(f"best validation ELBO after {epoch:.0f} epochs: {elbo:.2f} nats per image", validation_elbo=elbo)
    result, wall, _ = measure(lambda: inference.log_marginal(fit, test, num_samples=args.draws))
    report.add(f"{result}\nevaluated in {wall:.0f} s", log_marginal=str(result), wall=wall)
    report.write()


if __name__ == "__main__":
    main(parse_arguments())
