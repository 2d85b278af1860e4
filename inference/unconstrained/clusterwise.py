"""Labels of steps by clusterwise regression, from which EM of switching regressions begins.

Where states differ by what a step regresses on, and not by its mean, k-means of the steps does not see them. Each
sequence is cut into windows of a few steps, and K regressions are fitted to windows in turn with the windows' labels
(Späth 1979, "Algorithm 39: clusterwise linear regression"), so that neighbouring steps share a state. The first
regressions are those of single windows, each chosen with a probability proportional to how badly the others fit it, as
in k-means++.
"""

from __future__ import annotations

import numpy as np

from zoo.errors import ZooError
from zoo.regression import Regression

NUM_TRIES = 8  # of which the best counts
MAX_ROUNDS = 30  # of fits and labels in turn
MIN_STEPS = 4  # of a window
RIDGE = 1e-2  # of the regressions, in units of one step
LEAST_VARIANCE = 1e-4  # of the residuals, where a response has variance 1


def clusterwise_labels(regression: Regression, K: int, seed: int, weights: np.ndarray) -> np.ndarray:
    """A label from 0 to K - 1 for each step, (N, T); weights: (N,). Raises ZooError where fewer than K windows differ.

    >>> u = np.stack([np.ones(40), np.tile([-1.0, 1.0, 2.0, -2.0], 10)], 1)
    >>> y = np.where(np.arange(40) < 20, u[:, 1], -u[:, 1])[:, None]
    >>> labels = clusterwise_labels(Regression(y[None], u[None]), 2, 0, np.ones(1))[0]
    >>> bool((labels[:20] == labels[0]).all() and (labels[20:] == labels[20]).all() and labels[0] != labels[20])
    True
    """
    windows = Windows(regression, weights)
    if K == 1:
        return np.zeros(regression.responses.shape[:2], int)
    count = int(windows.has_value.sum())
    if count < K:
        raise ZooError(
            f"K={K} states need at least {K} windows of {windows.length} steps, and there are {count}: give more "
            "steps, or lower K"
        )
    rng = np.random.default_rng(seed)
    tries = [windows.cluster(K, rng) for _ in range(NUM_TRIES)]
    return windows.of_steps(min(tries, key=lambda t: t[1])[0])


class Windows:
    """The windows of sequences, and the sums of squares and products of each, in units of the responses.

    Windows are in order of time, then of sequences, so that copies of a sequence lie side by side.
    """

    def __init__(self, regression: Regression, weights: np.ndarray):
        y, u = regression
        observed = ~np.isnan(y)
        y = np.where(observed, y, 0.0)
        count = np.maximum(np.einsum("n,ntc->c", weights, observed), np.finfo(float).tiny)
        centre = np.einsum("n,ntc->c", weights, y) / count
        y = np.where(observed, y - centre, 0.0)
        spread = np.sqrt(np.einsum("n,ntc->c", weights, y**2) / count)
        y /= np.where(spread > 0, spread, 1.0)
        N, T, _ = y.shape
        self.Q = u.shape[-1]
        self.length = max(MIN_STEPS, 2 * self.Q)
        starts = np.arange(0, T, self.length)

        def by_window(values: np.ndarray) -> np.ndarray:
            return np.swapaxes(np.add.reduceat(values, starts, axis=1), 0, 1).reshape(-1, *values.shape[2:])

        self.window_of_step, self.shape = np.arange(T) // self.length, (len(starts), N)
        self.weight, self.count = np.tile(weights, len(starts)), by_window(1.0 * observed)  # (W,) and (W, C)
        self.squares = by_window(y**2)
        self.products = by_window(y[..., None] * u[..., None, :])  # (W, C, Q)
        self.gram = by_window(observed[..., None, None] * (u[..., :, None] * u[..., None, :])[:, :, None])

    @property
    def has_value(self) -> np.ndarray:
        """Whether windows have a response at all, (W,)."""
        return np.asarray(self.count.any(axis=1))

    def fit(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (C, Q) and variances (C,) of windows with these weights."""
        gram, products = (np.einsum("w,w...->...", weight, a) for a in (self.gram, self.products))
        b = np.linalg.solve(gram + RIDGE * np.eye(self.Q), products[..., None])[..., 0]
        errors = weight @ self.squares - 2 * (b * products).sum(-1) + np.einsum("cq,cqr,cr->c", b, gram, b)
        return b, np.maximum(errors / np.maximum(weight @ self.count, np.finfo(float).tiny), LEAST_VARIANCE)

    def losses(self, b: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Minus twice the log density of each window, up to a constant."""
        errors = self.squares - 2 * np.einsum("cq,wcq->wc", b, self.products)
        errors = errors + np.einsum("cq,wcqr,cr->wc", b, self.gram, b)
        return errors @ (1 / variance) + self.count @ np.log(variance)

    def cluster(self, K: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Labels of the windows from one start, and their loss."""
        whole = self.fit(self.weight)
        fits = []
        least = self.losses(*whole)
        for k in range(K):
            chance = self.weight * self.has_value
            chance = chance if k == 0 or np.ptp(least) == 0 else chance * (least - least.min())
            chosen = np.searchsorted(chance.cumsum(), rng.random() * chance.sum(), side="right")
            b, _ = self.fit(1.0 * (np.arange(len(chance)) == min(chosen, len(chance) - 1)))
            fits.append((b, whole[1]))
            least = np.min([self.losses(*fit) for fit in fits], axis=0)
        labels = np.zeros(len(self.count), int)
        for _ in range(MAX_ROUNDS):
            before, labels = labels, np.argmin([self.losses(*fit) for fit in fits], axis=0)
            fits = [self.fit(self.weight * (labels == k)) if (labels == k).any() else fits[k] for k in range(K)]
            if (labels == before).all():
                break
        return labels, float(self.weight @ np.min([self.losses(*fit) for fit in fits], axis=0))

    def of_steps(self, labels: np.ndarray) -> np.ndarray:
        """The labels of the steps, (N, T)."""
        return labels.reshape(self.shape).T[:, self.window_of_step]
