"""Latent codes of an autoencoder: encoding, decoding, samples, interpolations and figures.

For fits whose guide is an encoder and whose program is a decoder.

    encode(fit, data)            mean and standard deviation of each row's code, (N, Z) each, by the encoder
    decode(fit, z)               the mean of x given each code, (count, D), in the units of the data
    reconstruct(fit, data)       the mean of x given the mean of each row's code, (N, D)
    sample(fit, count)           new rows, from codes drawn from the prior, (count, D)
    interpolate(fit, a, b)       rows between two rows, along a path between their codes, (steps, D)
    partial_reconstructions(fit, data)   the mean of x given the codes of the upper groups alone, {level: (N, D)}
    traverse(fit, row)           rows as one dimension of a code varies, {dimension: (steps, D)}
    control(fit, data, z={0: 2.0})   rows with some coordinates of their codes set, and what this changes
    codes(fit, data)             the most probable categories of each row, (N, M), where codes are discrete
    codebook(fit, data)          usage and perplexity of the codebook of a VQ-VAE, with reconstruction and rate
    classify(fit, data)          class probabilities of each row, (N, C), by the classifier of a semi-supervised fit
    figures                      figures of images, codes and training

Where the rows have several groups of latents, as z3, z2 and z1 from the top down, codes are dicts by group, and
``group=`` or ``groups=`` name some of them.

All functions take and return NumPy arrays, in either backend. They raise ZooError for data that do not fit the model,
and for a fit without an encoder.

data: by default the data of the fit; otherwise a table as ``inference.fit`` takes it, rows (N, D), one row (D,), or the
number of a row of the fit's data. Sites that are not given count as missing. Of ``Intensities`` one binary draw is
used, by the seed of the fit. y: for models with classes, the class of each row, or one class for all rows; by default
the label of a row where it has one, and its most probable class where it has none.
"""

from inference.analysis.latents import figures
from inference.analysis.latents.codebook import CodebookUse, codebook, codes
from inference.analysis.latents.coding import classify, decode, encode, reconstruct
from inference.analysis.latents.control import control
from inference.analysis.latents.control_attribute import GeneratedAttribute
from inference.analysis.latents.control_record import ControlledRows
from inference.analysis.latents.generation import interpolate, sample, traverse
from inference.analysis.latents.partial import partial_reconstructions

__all__ = [
    "CodebookUse",
    "ControlledRows",
    "GeneratedAttribute",
    "classify",
    "codebook",
    "codes",
    "control",
    "decode",
    "encode",
    "figures",
    "interpolate",
    "partial_reconstructions",
    "reconstruct",
    "sample",
    "traverse",
]
