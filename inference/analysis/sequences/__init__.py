"""States of sequences: hidden Markov models, and other programs with a chain.

    smoothed(fit, data)              probabilities of the states given the whole sequence, (N, T, K)
    filtered(fit, data)              the same given the steps up to each
    most_probable_path(fit, data)    the path of highest probability, or several, by the Viterbi algorithm
    paths(fit, data, num_paths=5)    draws of whole paths, (num_paths, N, T)
    forecast(fit, steps=12)          probabilities of later states, and draws of later observations
    predictive_log_likelihood(fit)   log density of each step given those before, (N, T)
    durations(fit)                   how long the states last
    latent_paths(fit, num_paths=5)   draws of continuous latents by name, (num_paths, N, T, ...)
    latents(fit, data)               means and standard deviations of continuous latents, as levels and slopes
    figures                          transition_graph(fit), forecast_fan(fit)

``forecast`` and ``predictive_log_likelihood`` are of linear dynamical systems too. Of ``switching_lds`` the states are
given draws of the continuous latents, which are of the sequences of the fit.

Probabilities are averages over the draws of a fit that has draws, so that they include the uncertainty of the
parameters. Labels of the states are those of ``fit.aligned()`` in a fit with draws. Shorter sequences are NaN after
their end.

data: by default the data of the fit; otherwise as ``inference.fit`` takes it. site: the chain, where there are several.
"""

from inference.analysis.sequences import figures
from inference.analysis.sequences.forecasting import Forecast, forecast
from inference.analysis.sequences.prediction import Durations, durations, predictive_log_likelihood
from inference.analysis.sequences.states import MostProbablePaths, filtered, most_probable_path, paths, smoothed
from inference.analysis.sequences.trends import LatentMoments, latent_paths, latents

__all__ = [
    "Durations",
    "Forecast",
    "LatentMoments",
    "MostProbablePaths",
    "durations",
    "figures",
    "filtered",
    "forecast",
    "latent_paths",
    "latents",
    "most_probable_path",
    "paths",
    "predictive_log_likelihood",
    "smoothed",
]
