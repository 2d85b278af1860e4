"""Linear classifiers of a factor: support vector machines on one code, logistic regressions on all."""

from __future__ import annotations

import numpy as np

SVM_COST = 0.01  # C of liblinear, as in the study of Locatello et al. (2019)
PENALTY = 1.0  # of one-versus-rest logistic regressions: scikit-learn's C = 1
NEWTON_STEPS, NEWTON_TOLERANCE = 50, 1e-9
SOFTMAX_ITERATIONS = 100


def svm_predictions(x: np.ndarray, labels: np.ndarray, test_x: np.ndarray) -> np.ndarray:
    """Labels of test rows (M,) by linear support vector machines on one code, one for each class against the rest.

    As scikit-learn's ``LinearSVC(C=0.01, class_weight="balanced")``: the cost of the rows of a class is divided by its
    frequency relative to the others; with several classes the rest has cost C.
    """
    from inference.analysis.disentanglement.learners import svm_kernels as kernels

    present, counts = np.unique(labels, return_counts=True)
    if len(present) < 2:  # the other values are rare, and among the test rows
        return np.full(len(test_x), present[0])
    costs = SVM_COST * len(labels) / (len(present) * counts)
    if len(present) == 2:
        w, b = kernels.fit_svm(x, labels == present[1], costs[1], costs[0])
        return present[(w * test_x + b > 0).astype(int)]
    planes = np.array([kernels.fit_svm(x, labels == c, cost, SVM_COST) for c, cost in zip(present, costs, strict=True)])
    return present[(np.outer(planes[:, 0], test_x) + planes[:, 1:]).argmax(0)]


def logistic_scores(codes: np.ndarray, is_positive: np.ndarray, test_codes: np.ndarray) -> np.ndarray:
    """The linear predictor of test rows by a logistic regression with an L2 penalty, by Newton steps.

    It minimises the negative log likelihood plus half the squared norm of the coefficients, without the intercept.
    """
    X = np.hstack([codes, np.ones((len(codes), 1))])
    ridge = np.full(X.shape[1], PENALTY)
    ridge[-1] = 0.0
    rate = np.clip(is_positive.mean(), 1e-6, 1 - 1e-6)
    beta = np.zeros(X.shape[1])
    beta[-1] = np.log(rate / (1 - rate))

    def value_at(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        eta = X @ coefficients
        loss = np.logaddexp(0, eta).sum() - eta[is_positive].sum() + (ridge * coefficients**2).sum() / 2
        return float(loss), eta

    value, eta = value_at(beta)
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-eta))
        gradient = X.T @ (p - is_positive) + ridge * beta
        hessian = (X * (p * (1 - p))[:, None]).T @ X + np.diag(ridge + 1e-10)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        new, new_eta = value_at(beta - step)
        while new > value and size > 1e-8:
            size /= 2
            new, new_eta = value_at(beta - size * step)
        if value - new <= NEWTON_TOLERANCE * abs(value):
            break
        beta, value, eta = beta - size * step, new, new_eta
    return test_codes @ beta[:-1] + beta[-1]


def softmax_loss(codes: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """The mean negative log likelihood in nats of a multinomial logistic regression without a penalty.

    On the rows that it is fitted to, by at most 100 iterations of L-BFGS from coefficients of zero, whose scale is that
    of standardised codes.
    """
    from scipy.optimize import minimize

    N, Z = codes.shape
    X = np.hstack([codes, np.ones((N, 1))]).T
    positions = labels.astype(np.int64) * N + np.arange(N)

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        eta = flat.reshape(num_classes, Z + 1) @ X  # (classes, N)
        eta -= eta.max(0)
        at_label = eta.ravel()[positions]
        np.exp(eta, out=eta)
        total = eta.sum(0)
        eta /= total
        eta.ravel()[positions] -= 1.0
        return float((np.log(total) - at_label).mean()), (eta @ X.T).ravel() / N

    start = np.zeros((num_classes, Z + 1))
    start[:, -1] = np.log(np.maximum(np.bincount(labels, minlength=num_classes), 0.5) / N)
    options = {"maxiter": SOFTMAX_ITERATIONS, "ftol": 1e-14, "gtol": 1e-8}
    return float(minimize(loss_and_gradient, start.ravel(), jac=True, method="L-BFGS-B", options=options).fun)


def area_under_curve(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """The area under the ROC curve: the probability that a positive row scores above another, ties counted half.

    >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    from scipy.stats import rankdata

    positive = int(is_positive.sum())
    rest = len(scores) - positive
    if not positive or not rest:
        return float("nan")
    return float((rankdata(scores)[is_positive].sum() - positive * (positive + 1) / 2) / (positive * rest))
