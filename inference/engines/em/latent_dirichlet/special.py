"""Functions of the gamma function for numba's loops: without branches, so that eight are computed at once."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}  # rounding may differ from the order written; NaN may not be lost
COMPILED = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": FAST}
FLOAT, INT = np.float32, np.int32
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@njit(**COMPILED)
def exp_digamma(x):
    """exp(psi(x)) in 32 bits for x > 0, relative error below 1e-6 (1 + |psi|); 0 where psi < -83.

    psi(x) = psi(x + 4) - sum_i 1/(x + i), and exp(psi(y + 1/2)) = y + 1/24y - 37/5760y^3 + ...
    """
    u = x * (x + FLOAT(3))  # x (x + 3), and u + 2 = (x + 1) (x + 2)
    product = u * (u + FLOAT(2))
    y = x + FLOAT(3.5)
    harmonic = (FLOAT(2) * x + FLOAT(3)) * (FLOAT(2) * u + FLOAT(2)) / product
    z = FLOAT(1) / y
    square = z * z
    shifted = y + z * (FLOAT(1 / 24) + square * (FLOAT(-37 / 5760) + square * FLOAT(10313 / 2903040)))
    kept = FLOAT(1) if harmonic < FLOAT(85) else FLOAT(0)
    return kept * shifted * _exp(-min(harmonic, FLOAT(85)))


@njit(**COMPILED)
def _exp(x):
    """exp(x) in 32 bits for -87 < x <= 0: 2^n times the Taylor sum of what is left, less than log(2) / 2."""
    n = INT(x * FLOAT(1.44269504) - FLOAT(0.5))
    r = x - FLOAT(n) * FLOAT(0.693359375)  # log(2) in two parts, the first exact in few bits
    r = r + FLOAT(n) * FLOAT(2.12194440e-4)
    p = FLOAT(1 / 5040)
    p = p * r + FLOAT(1 / 720)
    p = p * r + FLOAT(1 / 120)
    p = p * r + FLOAT(1 / 24)
    p = p * r + FLOAT(1 / 6)
    p = p * r + FLOAT(0.5)
    p = p * r * r + r + FLOAT(1)
    return p * INT((n + INT(127)) << INT(23)).view(FLOAT)


@njit(**COMPILED)
def digamma_and_log_gamma(x):
    """``(psi(x), log Gamma(x))`` in 64 bits for x > 0: the asymptotic series at x + 8, and the way back from there."""
    u = x * (x + 7)
    a, b, c = u + 6, u + 10, u + 12  # with u, the products (x + i) (x + 7 - i)
    two, other = u * a, b * c
    product = two * other
    y = x + 8
    log_y = math.log(y)
    inverse = 1 / y
    z = inverse * inverse
    psi = (
        log_y
        - 0.5 * inverse
        - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760))))))
    )
    psi -= (2 * x + 7) * ((u + a) * other + (b + c) * two) / product  # sum_i 1/(x + i)
    log_gamma = (y - 0.5) * log_y - y + HALF_LOG_2PI - math.log(product)
    log_gamma += inverse * (
        1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360)))))
    )
    return psi, log_gamma
