"""Fit: what ``inference.fit`` returns, a record with methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from inference import alignment, arviz, exact, storage
from inference.exact.gaussian import Normal
from inference.predictive import posterior_predictive
from inference.record import FitRecord
from inference.summaries import table
from inference.summaries.quantities import MAX_ENTRIES
from zoo import Model
from zoo.errors import unknown
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

LIKELIHOODS = ("marginal", "conditional")


@dataclass(frozen=True, repr=False)
class Fit(FitRecord):
    """A fitted model: the fields of ``FitRecord``, and methods that compute from them."""

    @overload
    def log_likelihood(self, data: DataLike = None, kind: Literal["marginal"] = "marginal") -> np.ndarray: ...
    @overload
    def log_likelihood(self, data: DataLike = None, *, kind: Literal["conditional"]) -> dict[str, np.ndarray]: ...
    def log_likelihood(
        self, data: DataLike = None, kind: Literal["marginal", "conditional"] = "marginal"
    ) -> np.ndarray | dict[str, np.ndarray]:
        """Compute the log-likelihood of each row, or of each element given all latents.

        Parameters
        ----------
        data : optional
            Rows as ``inference.fit`` takes them; those of the fit by default.
        kind : {"marginal", "conditional"}, default "marginal"
            "marginal": log p(x_n | parameters), all observed sites of a row together, discrete latents marginalised out
            and normal latents integrated out. "conditional", of a program of the user's own, or where the fit has draws
            of the latents of the rows: the log density of each element of each observed site given all latents, as
            ArviZ has it. A discrete latent has no draws after NUTS or SVI: a site that depends on one then has a value
            for each row alone, the discrete latent summed out, and none where it couples the rows.

        Returns
        -------
        array, (N,) or (chain, draw, N), or dict of such arrays
            In nats, for the point estimate, or for each draw where there are draws. "conditional" gives
            ``{observed site: batch shape}`` after (chain, draw), with 0 for a missing value.

        Raises
        ------
        ZooError
            Where the log-likelihood has no exact form.
        """
        if kind not in LIKELIHOODS:
            raise unknown("kind of log-likelihood", kind, LIKELIHOODS)
        return exact.log_likelihood(self, data) if kind == "marginal" else exact.conditional_log_likelihood(self, data)

    def local(self, data: DataLike = None) -> dict[str, Any]:
        """Compute the posterior of the local latents of each row, averaged over aligned draws.

        Parameters
        ----------
        data : optional
            Rows as ``inference.fit`` takes them; those of the fit by default.

        Returns
        -------
        dict of str to array, (N, K), or Normal
            Probabilities of discrete latents, ``{"z": (N, K)}``; of the continuous latents of a linear-Gaussian model
            a ``Normal`` with mean (N, Z) and covariance (N, Z, Z), of a linear dynamical system (N, T, Z) and
            (N, T, Z, Z), which includes the uncertainty of the parameters where there are draws.

        Raises
        ------
        ZooError
            Where the posterior has no exact form.
        """
        exact.check_own_rows(self, data)
        values = exact.thin_draws(self.aligned()) if self.draws else self.params
        return exact.local_posterior(self.fitted_model, values, self.observed_data(data))

    def aligned(self) -> dict[str, np.ndarray]:
        """Align the component labels and latent axes of the draws, so that they can be averaged.

        Returns
        -------
        dict of str to array, (chain, draw, *shape)
            A point estimate is one chain of one draw.
        """
        return alignment.aligned_draws(self)

    def predict(self, data: DataLike = None) -> dict[str, np.ndarray]:
        """Compute the most probable value of each local latent.

        Parameters
        ----------
        data : optional
            Rows as ``inference.fit`` takes them; those of the fit by default.

        Returns
        -------
        dict of str to array
            Labels, ``{"z": (N,)}``, or posterior means of continuous latents, (N, Z) or (N, T, Z).

        Raises
        ------
        ZooError
            Where the posterior has no exact form.
        """
        local = self.local(data)
        return {n: p.mean if isinstance(p, Normal) else p.argmax(-1) for n, p in local.items()}

    def posterior_predictive(
        self, data: DataLike = None, seed: int = 0, draws: int | None = None
    ) -> dict[str, np.ndarray]:
        """Draw the observed sites of a program of the user's own again, at the draws of the fit.

        Parameters
        ----------
        data : optional
            Covariates of new rows by argument; observed values may be left out. By default the rows of the fit. Rows
            whose number or covariates differ from those of the fit are new: their latents are drawn from the program.
        seed : int, default 0
        draws : int, optional
            The number of draws, evenly spaced over each chain; all by default. Of a point estimate the number of
            simulations, 1 by default.

        Returns
        -------
        dict of str to array, (chain, draw, *shape)
            Every observed site. Discrete latents of the fit are drawn from their exact posterior at each draw.

        Raises
        ------
        ZooError
            For a model of the zoo, for new rows of a program whose rows cannot be taken in parts, and where the fit
            lacks draws of a latent.
        """
        return posterior_predictive(self, data, seed, draws)

    def simulate(self, N: int, seed: int = 0, **settings: Any) -> dict[str, np.ndarray]:
        """Simulate new rows and their latents from the program at the point estimate.

        Parameters
        ----------
        N : int
            The number of rows.
        seed : int, default 0
        **settings
            Keywords of the program, such as the covariates of the rows.

        Returns
        -------
        dict of str to array
            Every site of the program, with N rows each.
        """
        sizes = {k: self.keywords[k] for k in self.model.card.row_sizes if k in self.keywords} | {"N": N}
        return self.fitted_model.simulate(seed, values=self.params, **sizes, **settings)

    def summary(self, max_entries: int | None = MAX_ENTRIES) -> pd.DataFrame:
        """Summarise every reported quantity, labels aligned.

        Parameters
        ----------
        max_entries : int, optional
            Of a user's program, entries of a site, at most, that are in the table: larger ones, such as latents of many
            rows, are left out with a warning. None for every site.

        Returns
        -------
        DataFrame
            A row for each quantity. With draws: mean, sd, the central 94% interval, and rank-normalised R-hat and bulk
            ESS of chains (NaN for the independent draws of a guide). Of a point the estimate alone. Where an encoder
            was trained also the ELBO with its terms at the end of training, and the number of active units.
        """
        return table.summary_table(self, max_entries)

    def to_arviz(
        self,
        groups: Sequence[str] = (),
        *,
        likelihood: Literal["conditional", "marginal"] | None = None,
        num_predictive: int = 500,
        seed: int = 0,
    ) -> xr.DataTree:
        """Convert the fit to an ArviZ DataTree.

        Parameters
        ----------
        groups : sequence of str, optional
            Further groups: "log_prior", "posterior_predictive", "prior_predictive", "unconstrained_posterior".
        likelihood : {"conditional", "marginal"}, optional
            Whether the log-likelihood is given the latents of the rows, or has them summed and integrated out; by
            default what costs little.
        num_predictive : int, default 500
            The draws from the prior, and of the posterior predictive at a point estimate.
        seed : int, default 0

        Returns
        -------
        DataTree
            Groups posterior, sample_stats, log_likelihood, observed_data and those that are asked for: see
            ``inference.arviz.to_arviz``.

        Raises
        ------
        ZooError
            For groups that are not known, or that the fit cannot have.
        """
        return arviz.to_arviz(self, groups, likelihood=likelihood, num_predictive=num_predictive, seed=seed)

    def save(self, folder: str | Path) -> Path:
        """Write the fit to a folder, in the files ``fit.json`` and ``arrays.npz``.

        The folder is written in one step; another fit there is replaced. ``inference.load(folder)`` returns the same
        fit, exactly.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        Path

        Raises
        ------
        ZooError
            Where the folder holds something other than a fit.
        """
        return storage.save(self, Path(folder))


def load(
    folder: str | Path, model: Model | None = None, *, backend: str | None = None, device: str | None = None
) -> Fit:
    """Load a saved fit.

    Parameters
    ----------
    folder : str or Path
        The folder that ``Fit.save`` wrote.
    model : Model, optional
        The model; needed where it is a program of the user's own.
    backend : {"numpyro", "pyro"}, optional
        By default that of the fit. Learned arrays are the same in every backend.
    device : str, optional
        Where later computations run; by default where the fit was made.

    Returns
    -------
    Fit

    Raises
    ------
    ZooError
        Where the folder holds no fit or a damaged one, or the model is missing.
    """
    return Fit(**storage.read(Path(folder), model, backend, device))
