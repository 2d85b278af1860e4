"""Test error of the semi-supervised VAE (M2) with 100 labels, compared with classifiers trained on these 100 images.

    python benchmarks/m2_labels.py [--data mnist] [--images 10000] [--epochs 40] [--labels-first 20] [--seeds 1]
    python benchmarks/m2_labels.py --data digits --epochs 200

Ten images of each class have labels, by the data set's own fixed choice; the other images have none. M2 has MLPs of
200-200 and Z = 20, and trains in NumPyro by Adam with a learning rate that falls linearly from 0.001 to 0. It
classifies one binary draw of each test image by q(y | x). In the first ``--labels-first`` epochs the labels have ten
thousand times their later weight (alpha), so that classes represent digits before images without labels matter. No
choice depends on the test images. The classifiers are scikit-learn's logistic regression, support vector machine with
the Gaussian kernel and random forest, with default settings, on grey pixels.
"""

from report import Report, make_parser, measure

BATCH = 128


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--data", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--images", type=int, default=10_000, help="training images at most, with and without labels")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--labels-first", type=int, default=20, help="earlier epochs in which labels have more weight")
    parser.add_argument("--seeds", type=int, default=1)
    return parser.parse_args()


def main(args):
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    import inference
    import zoo
    from inference.analysis.latents import classify
    from zoo import datasets

    report = Report(__file__, args)
    table = datasets.observed(f"{args.data}_labelled")
    test = datasets.observed(f"{args.data}_labelled", part="test")["x"]
    truth = datasets.labels(args.data, part="test")
    has_label = ~np.isnan(table["label"])
    labelled = np.flatnonzero(has_label)
    rows = np.sort(np.concatenate([labelled, np.flatnonzero(~has_label)[: args.images - len(labelled)]]))
    x, label = table["x"].take(rows), table["label"][rows]
    images, classes = np.asarray(table["x"].take(labelled)), table["label"][labelled].astype(int)

    for classifier in (LogisticRegression(max_iter=1000), SVC(), RandomForestClassifier(random_state=0)):
        name = type(classifier).__name__
        error = float((classifier.fit(images, classes).predict(np.asarray(test)) != truth).mean())
        text = f"{args.data}: {name:>22} on {len(images)} images: error {error:.1%}"
        report.add(text, method=name, error=error)

    def train(epochs, seed, start=None, **settings):
        steps = len(rows) // BATCH * epochs
        return inference.fit(
            zoo.load("semi_supervised_vae", C=10, Z=20, width=200, **settings),
            {"x": x, "label": label},
            "svi",
            num_epochs=epochs,
            batch_size=BATCH,
            learning_rate=lambda step: 1e-3 * (1 - step / steps),
            seed=seed,
            start=start,
        )

    def train_both_stages(seed):
        start = None
        if args.labels_first:
            start = train(args.labels_first, seed, alpha=1000 * len(rows) / len(images)).state
        return train(args.epochs, seed, start)

    for seed in range(args.seeds):
        fit, wall, cpu = measure(train_both_stages, seed)
        probabilities = classify(fit, {"x": test, "label": np.full(len(test), np.nan)})
        error = float((probabilities.argmax(1) != truth).mean())
        standard_error = np.sqrt(error * (1 - error) / len(truth))
        text = (
            f"{args.data}: M2 on {len(rows)} images, {len(images)} with labels, seed {seed}: error {error:.1%} "
            f"(+- {standard_error:.1%}) of {len(truth)}; {wall:.0f} s, CPU {cpu:.0f}"
        )
        report.add(text, method="M2", seed=seed, error=error, standard_error=standard_error, wall=wall, cpu=cpu)
    report.write()


if __name__ == "__main__":
    main(parse_arguments())
