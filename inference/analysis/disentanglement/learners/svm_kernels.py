"""Linear support vector machines on one code, compiled: the optimum of liblinear's objective."""

from __future__ import annotations

from numba import njit

MAX_STEPS, TOLERANCE = 100, 1e-12


@njit(cache=True, nogil=True)
def fit_svm(x, is_positive, positive_cost, negative_cost):
    """Slope and intercept that minimise (w² + b²) / 2 + sum of cost * max(0, 1 - y (w x + b))²."""
    w, b = 0.0, 0.0
    value = objective(x, is_positive, positive_cost, negative_cost, w, b)
    for _ in range(MAX_STEPS):
        gw, gb, hww, hwb, hbb = w, b, 1.0, 0.0, 1.0
        for i in range(len(x)):
            y = 1.0 if is_positive[i] else -1.0
            margin = 1 - y * (w * x[i] + b)
            if margin > 0:
                cost = 2 * (positive_cost if is_positive[i] else negative_cost)
                gw -= cost * y * margin * x[i]
                gb -= cost * y * margin
                hww += cost * x[i] ** 2
                hwb += cost * x[i]
                hbb += cost
        determinant = hww * hbb - hwb**2
        dw, db = (hbb * gw - hwb * gb) / determinant, (hww * gb - hwb * gw) / determinant
        step = 1.0
        new = objective(x, is_positive, positive_cost, negative_cost, w - dw, b - db)
        while new > value and step > 1e-10:
            step /= 2
            new = objective(x, is_positive, positive_cost, negative_cost, w - step * dw, b - step * db)
        if value - new <= TOLERANCE * value:
            break
        w, b, value = w - step * dw, b - step * db, new
    return w, b


@njit(cache=True, nogil=True)
def objective(x, is_positive, positive_cost, negative_cost, w, b):
    """The objective of ``fit_svm``."""
    total = (w * w + b * b) / 2
    for i in range(len(x)):
        margin = 1 - (w * x[i] + b if is_positive[i] else -(w * x[i] + b))
        if margin > 0:
            total += (positive_cost if is_positive[i] else negative_cost) * margin**2
    return total
