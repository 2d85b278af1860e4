"""EM for mixtures of exponential families, in blocks of rows: memory for one block, one matrix product each way.

A model whose log p(x_n, z_n = k) is ``features(x_n) @ natural(params)[:, k] + base(x_n)`` says so by a ``Form``, and
each iteration is then, for a block of rows, E: ``log r = features @ natural``, and M: ``features' r``, the sums from
which ``maximise`` finds the next parameters (Bishop 2006, section 9.4). Sums are in 64 bits whatever the data is in.

Each ``in_<backend>.py`` promises ``Ascent(form, x, weights)`` with the three methods that EM asks of an M-step:

    step(params)          ``(better params, log-likelihood at params)``
    from_labels(labels, K)  the parameters that fit rows so labelled, (N,) from 0 to K - 1, best
    entropy(params)       of the labels given the data, in nats, rows counted by their weights
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

BLOCK = 4096  # rows at a time: features of a block stay in the cache


class Form(NamedTuple):
    """What makes a mixture an exponential family; arrays are of one backend, (B rows, F features, K components)."""

    features: Callable[[Any], Any]  # rows (B, ...) -> (B, F); the first feature is 1
    natural: Callable[[Any], Any]  # params -> (F, K)
    maximise: Callable[[Any, Any], Any]  # sums (K, F), params before or None -> params
    base: Callable[[Any], Any]  # rows -> (B,): the part of log p that no parameter touches
