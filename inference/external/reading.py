"""``from_mcmc``, ``from_svi`` and ``from_arviz``: fits of objects that other libraries made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.external import trees
from inference.external.draws import ExternalDraws
from inference.external.fits import make_fit
from inference.external.guides import external_draws
from inference.external.program import Call
from inference.result import Fit
from zoo import Model, ZooError
from zoo._backend import BACKENDS, in_backend
from zoo.checks import check_seed, check_whole
from zoo.types import DataLike


def from_mcmc(
    mcmc: Any,
    *args: Any,
    model: Model | None = None,
    data: DataLike = None,
    name: str | None = None,
    **kwargs: Any,
) -> Fit:
    """Make a fit of chains that NumPyro or Pyro ran.

    Parameters
    ----------
    mcmc : numpyro.infer.MCMC or pyro.infer.MCMC
        After ``run``. Divergences, step counts and acceptance probabilities are read where they were recorded.
    *args, **kwargs
        With ``model``, the arguments of the program, as for ``mcmc.run`` without its key.
    model : zoo.Model, optional
        The program of the chains, a ``zoo.Model(program, backend=...)`` or what ``zoo.read`` made of it. With it the
        fit has a log joint, a log-likelihood and predictions, and the labels and axes of its draws are aligned.
    data : array, DataFrame or dict, optional
        The data of the chains, as ``inference.fit`` takes it, or a dict of arguments of the program by name; with
        ``model`` alone.
    name : str, optional
        The name of the model where there is no ``model``; by default that of the function.

    Returns
    -------
    Fit

    Raises
    ------
    ZooError
        Where there are no draws, or they are not of the model.

    Examples
    --------
    >>> fit = from_mcmc(mcmc)  # doctest: +SKIP
    >>> fit = from_mcmc(mcmc, X, y, model=zoo.Model(program, backend="numpyro"))  # doctest: +SKIP
    >>> inference.compare(fit, inference.fit(fit.model, engine="svi"))  # doctest: +SKIP
    """
    backend = _library(mcmc, "from_mcmc takes the MCMC of NumPyro or Pyro, after run")
    return _make_fit(in_backend("inference.external", backend).read_mcmc(mcmc), Call(model, args, kwargs, data), name)


def from_svi(
    svi: Any,
    *args: Any,
    params: Any = None,
    num_draws: int = 1000,
    seed: int = 0,
    model: Model | None = None,
    data: DataLike = None,
    name: str | None = None,
    **kwargs: Any,
) -> Fit:
    """Make a fit of a guide that NumPyro or Pyro trained, by draws from it.

    Parameters
    ----------
    svi : numpyro.infer.SVI, pyro.infer.SVI or AutoGuide
        After training.
    *args, **kwargs
        The arguments of the program, as for ``svi.run`` or ``svi.step``.
    params : optional
        NumPyro: what ``SVI.run`` returned, the state of ``SVI.update``, or a dict of parameters. Pyro has them in its
        parameter store; the losses of the steps may be given for the figures.
    num_draws : int, default 1000
        Independent draws from the guide.
    seed : int, default 0
        Seed of the draws.
    model, data, name : optional
        As in ``from_mcmc``.

    Returns
    -------
    Fit
        Of kind "guide", with log p - log q of each draw, and so k-hat and the ELBO, where the guide draws every latent
        and no plate is subsampled; of kind "point" where all draws are equal.

    Raises
    ------
    ZooError
        Where the guide draws nothing, or the draws are not of the model.
    """
    check_whole(1, num_draws=num_draws)
    check_seed(seed)
    backend = _library(svi, "from_svi takes the SVI of NumPyro or Pyro, or an AutoGuide, after training")
    read_svi = in_backend("inference.external", backend).read_svi
    source = external_draws(read_svi(svi, params, args, kwargs, num_draws, seed))
    call = Call(model, data=data) if model is None or data is not None else Call(model, args, kwargs)
    return _make_fit(source, call, name)


def from_arviz(
    source: Any | str | Path | Sequence[str | Path],
    *args: Any,
    model: Model | None = None,
    data: DataLike = None,
    name: str | None = None,
    **kwargs: Any,
) -> Fit:
    """Make a fit of an ArviZ tree, of a netCDF file of one, or of CmdStan's CSV files.

    Parameters
    ----------
    source : DataTree, InferenceData, path, or sequence of paths
        Of a tree the groups posterior, sample_stats, observed_data and log_likelihood are read; dimensions have the
        names of the tree. Paths ending in ".csv" are files of CmdStan, one for each chain; other paths are netCDF.
    *args, **kwargs
        With ``model``, the arguments of the program.
    model, data, name : optional
        As in ``from_mcmc``.

    Returns
    -------
    Fit
        Of kind "guide" where sample_stats has ``log_weight``, "point" for a single draw, and else "chains".

    Raises
    ------
    ZooError
        Where there is no posterior, the file cannot be read, or the draws are not of the model.
    """
    return _make_fit(trees.read(source), Call(model, args, kwargs, data), name)


def _make_fit(source: ExternalDraws, call: Call, name: str | None) -> Fit:
    return make_fit(replace(source, name=name) if name else source, call)


def _library(value: Any, allowed: str) -> str:
    """The backend whose class, or a subclass of it, a value belongs to."""
    packages = [cls.__module__.partition(".")[0] for cls in type(value).__mro__]
    backend = next((package for package in packages if package in BACKENDS), None)
    if backend is None:
        raise ZooError(f"{allowed}; given {type(value).__name__}")
    return backend
