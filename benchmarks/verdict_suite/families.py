"""The table of families: how many problems each has."""

from __future__ import annotations

from benchmarks.verdict_suite import conjugate, modes, reference, shapes

FAMILIES = {
    conjugate.correlated_normal: 24,
    conjugate.many_dimensions: 12,
    conjugate.normal_sample: 20,
    conjugate.regression: 16,
    conjugate.counts: 10,
    conjugate.proportion: 10,
    shapes.funnel: 10,
    shapes.banana: 12,
    shapes.product: 8,
    shapes.heavy_tails: 14,
    shapes.centred_schools: 10,
    shapes.noncentred_schools: 10,
    modes.square: 12,
    modes.two_clouds: 20,
    modes.overlapping_means: 10,
    modes.separate_means: 12,
    modes.exchangeable_means: 10,
    reference.posteriordb: 6,
}
