"""Fits made elsewhere: NumPyro and Pyro MCMC and SVI, ArviZ trees and netCDF files, and CmdStan's CSV files.

``from_mcmc``, ``from_svi`` and ``from_arviz`` return a ``Fit`` that ``compare``, ``summary``, ``to_arviz``, ``save``
and ``inference.load`` take beside those of ``inference.fit``. What was not recorded, such as the divergences of a
sampler that does not count them, is None or NaN, and is called "not recorded".

With ``model`` and ``data`` the fit has a program, and every question can be put to it. Without them it has names,
shapes and draws alone (``inference.draws_model``): comparisons are of the names that all fits share, and what needs a
program raises a ZooError that says so.

``in_<backend>.py`` reads the objects of one backend: ``read_mcmc`` and ``read_svi`` return ``ExternalDraws``, and
``log_joint`` is log p(draw, data) of each draw under a program of the zoo, discrete latents marginalised out.
"""

from inference.external.reading import from_arviz, from_mcmc, from_svi

__all__ = ["from_arviz", "from_mcmc", "from_svi"]
