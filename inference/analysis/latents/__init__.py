"""Images to codes and back: what is asked of a fit whose guide is an encoder and whose program is a decoder.

    encode(fit, data)            mean and standard deviation of each row's code, (N, Z) each, by the guide
    decode(fit, z)               the mean of x given each code, (count, D), in the units of the data
    reconstruct(fit, data)       the mean of x given the mean of each row's code, (N, D)
    sample(fit, count)           rows of the model: from codes that the prior draws, (count, D)
    interpolate(fit, a, b)       rows on the way from one to another, through their codes, (steps, D)
    traverse(fit, row)           one dimension of a code at a time through a span of values, {dimension: (steps, D)}
    classify(fit, data)          probabilities of each row's class, (N, C), by the classifier of a semi-supervised fit
    figures                      pictures of all this, and of training

All are numpy in and numpy out, run the program and the guide as they were trained, in either backend, and raise
ZooError, in one line, for rows that the model cannot take and for a fit that has no encoder. Data is that of the fit
unless given: a table as ``fit`` takes it, or the images alone, a row each, or one of them; sites not given are missing.
Of ``Intensities`` one draw is encoded, by the seed of the fit. Where the model has classes, ``y`` is the class of each
row, or one for all; unless given, a row's label where it has one, and else the most probable class.
"""

from inference.analysis.latents import figures
from inference.analysis.latents.codes import classify, decode, encode, reconstruct
from inference.analysis.latents.walks import interpolate, sample, traverse

__all__ = ["classify", "decode", "encode", "figures", "interpolate", "reconstruct", "sample", "traverse"]
