"""Estimators by what the latents of a row are: labels, factors, proportions of topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.base import DensityMixin

from inference import topics
from zoo.checks import is_whole
from zoo.sklearn.estimator import LatentVariableEstimator

if TYPE_CHECKING:
    from zoo.sklearn.estimator import Matrix


class RowEstimator(DensityMixin, LatentVariableEstimator):
    """An estimator with the exact density of each row, and with weights of rows."""

    def fit(self, X: Matrix, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)
            Rows; where the model allows it, NaN for missing values.
        y : ignored
        sample_weight : array, (n_samples,), optional
            Weight of each row, of engines that take weights: 2 counts a row twice.

        Returns
        -------
        self

        Raises
        ------
        ZooError
            A ValueError: for parameters and data that the model does not allow.
        """
        return self._fit(X, **({} if sample_weight is None else {"sample_weight": sample_weight}))

    def score_samples(self, X: Matrix) -> np.ndarray:
        """Compute the log density of each row, latents summed and integrated out.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,)
            In nats; averaged over the draws of the fit, where it has some.
        """
        rows = self._rows(X)
        values = self.fit_.log_likelihood(rows)
        draws = values.reshape(-1, values.shape[-1])
        return logsumexp(draws, axis=0) - np.log(len(draws))

    def score(self, X: Matrix, y: object = None) -> float:
        """Compute the mean of ``score_samples``.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
            In nats per row.
        """
        return float(self.score_samples(X).mean())


class MixtureEstimator(RowEstimator):
    """An estimator of a mixture: each row has a label."""

    def predict_proba(self, X: Matrix) -> np.ndarray:
        """Compute the probability of each component, given each row.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, K)
        """
        rows = self._rows(X)
        return self.fit_.local(rows)[self._label_name()]

    def predict(self, X: Matrix) -> np.ndarray:
        """Find the most probable component of each row.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)

        Returns
        -------
        array of int, (n_samples,)
        """
        return self.predict_proba(X).argmax(-1)

    def transform(self, X: Matrix) -> np.ndarray:
        """Transform rows to the probabilities of ``predict_proba``.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, K)
        """
        return self.predict_proba(X)

    def fit_predict(self, X: Matrix, y: object = None, sample_weight: ArrayLike | None = None) -> np.ndarray:
        """Fit the model, and find the most probable component of each row.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)
        y : ignored
        sample_weight : array, (n_samples,), optional

        Returns
        -------
        array of int, (n_samples,)
        """
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw new rows and their components from the fitted model, at its point estimate.

        Parameters
        ----------
        n_samples : int, default 1

        Returns
        -------
        X : array, (n_samples, n_features)
        labels : array of int, (n_samples,)
        """
        rows, values = self._sample(n_samples)
        return rows, values[self._label_name()].astype(int)

    @property
    def _n_features_out(self) -> int:
        return self.fit_.keywords["K"]

    @classmethod
    def _label_name(cls) -> str:
        return cls._card.enumerated[0]


class FactorEstimator(RowEstimator):
    """An estimator of a linear-Gaussian model: each row has normal latents."""

    Z: int

    def transform(self, X: Matrix) -> np.ndarray:
        """Transform rows to the posterior means of their latents.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, Z)
        """
        rows = self._rows(X)
        return self.fit_.local(rows)[self._factor_name()].mean

    def _fewest_columns(self) -> int:
        """More than there are latents."""
        return self.Z + 1 if is_whole(self.Z) else 1

    @property
    def _n_features_out(self) -> int:
        return self.fit_.keywords["Z"]

    @classmethod
    def _factor_name(cls) -> str:
        return next(name for name in cls._card.local() if name not in cls._card.enumerated)


class TopicEstimator(LatentVariableEstimator):
    """An estimator of a topic model: each document has proportions of topics."""

    def transform(self, X: Matrix) -> np.ndarray:
        """Transform documents to the proportions of their topics, posterior means by Gibbs sampling.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, (n_samples, n_features)
            Word counts.

        Returns
        -------
        array, (n_samples, K)
        """
        documents = self._rows(X)
        return topics.mixtures(self.fit_, documents, seed=self.fit_.seed)

    def score_samples(self, X: Matrix) -> np.ndarray:
        """Estimate the log probability of each document, proportions integrated out, from left to right.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, (n_samples, n_features)
            Word counts.

        Returns
        -------
        array, (n_samples,)
            In nats.
        """
        return self._perplexity(X).log_likelihood

    def score(self, X: Matrix, y: object = None) -> float:
        """Compute the mean log probability of a token: minus the logarithm of the perplexity.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame, (n_samples, n_features)
            Word counts.
        y : ignored

        Returns
        -------
        float
            In nats per token.
        """
        return self._perplexity(X).nats_per_token

    def _perplexity(self, X: Matrix) -> Any:
        documents = self._rows(X)
        return topics.perplexity(self.fit_, documents, method="left_to_right", seed=self.fit_.seed)

    @property
    def _n_features_out(self) -> int:
        return self.fit_.keywords["K"]
