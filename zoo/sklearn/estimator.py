"""LatentVariableEstimator: what the estimators of all models share."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

import inference
import zoo
from zoo.checks import is_whole
from zoo.sites import Site
from zoo.types import DataLike

if TYPE_CHECKING:
    import scipy.sparse as sp

    Matrix = ArrayLike | sp.sparray | sp.spmatrix

FEWEST_ROWS = 2  # from which location and spread can be learned
MAX_SEED = 2**31 - 1
NONNEGATIVE_KINDS = ("positive", "unit", "binary", "count", "category", "word")
WHOLE_KINDS = ("binary", "count", "category", "word")


class LatentVariableEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A model of the zoo as an estimator of scikit-learn.

    The classes of ``zoo.sklearn`` are subclasses, with the settings of their model and the options of its first engine
    as parameters.

    Attributes
    ----------
    fit_ : inference.Fit
        The fit.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : array of str
        Their names, where a DataFrame was fitted.
    n_iter_ : int
        The number of iterations, of engines that count them.
    converged_ : bool
        Whether the engine converged, where it has such a rule.
    """

    _card: ClassVar[zoo.Card]
    _settings: ClassVar[tuple[str, ...]]
    _engine_options: ClassVar[dict[str, Any]]  # of the first engine, with their defaults
    fit_: inference.Fit

    if TYPE_CHECKING:  # the parameters of a class are those of its model

        def __init__(self, **parameters: Any) -> None: ...

    backend: str
    engine: str
    options: dict[str, Any] | None
    random_state: int | np.random.RandomState | None

    def fit(self, X: Matrix, y: object = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, (n_samples, n_features)
            Rows.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ZooError
            A ValueError: for parameters and data that the model does not allow.
        """
        return self._fit(X)

    def _fit(self, X: Matrix, **options: Any) -> Self:
        """Fit with further options of the engine."""
        data = self._observed_data(self._validate(X, reset=True))
        settings = {name: getattr(self, name) for name in self._settings}
        model = zoo.load(self._card.name, backend=self.backend, **{n: v for n, v in settings.items() if v is not None})
        changed = {n: getattr(self, n) for n, default in self._engine_options.items() if self._is_changed(n, default)}
        self.fit_ = inference.fit(
            model,
            data,
            engine=self.engine,
            seed=self._draw_seed(),
            **{**changed, **(self.options or {}), **options},
        )
        self._set_attributes()
        return self

    def _is_changed(self, name: str, default: object) -> bool:
        """Whether an option is not at its default, which is that of another engine too."""
        value = getattr(self, name)
        return value is not default and (type(value) is not type(default) or value != default)

    def _set_attributes(self) -> None:
        """Set the attributes that scikit-learn names, and one for each quantity of the card."""
        fit = self.fit_
        for name, value in fit.model.card.report(fit.params, fit.keywords).items():
            setattr(self, f"{name}_", value)
        for name, field in {"n_iter_": "iterations", "converged_": "converged"}.items():
            if (value := fit.diagnostics.get(field)) is not None:
                setattr(self, name, value)
        if fit.diagnostics.get("converged") is False:
            line = f"{fit.engine} stopped before it converged: allow it more iterations"
            warnings.warn(f"{type(self).__name__}: {line}", ConvergenceWarning, stacklevel=4)

    def sample(self, n_samples: int = 1) -> Any:
        """Draw new rows from the fitted model, at its point estimate.

        Parameters
        ----------
        n_samples : int, default 1

        Returns
        -------
        array, (n_samples, n_features)
        """
        return self._sample(n_samples)[0]

    def _sample(self, n_samples: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """New rows, and every site of the program for them."""
        check_is_fitted(self)
        if not is_whole(n_samples) or n_samples < 1:
            raise zoo.ZooError(f"n_samples is a whole number from 1 up; given {n_samples!r}")
        values = self.fit_.simulate(int(n_samples), seed=self._draw_seed())
        rows = self.fit_.fitted_model.data_of(values)[self._site_name()]
        rows = rows.dense() if self._card.of_words else rows
        return np.reshape(rows, (n_samples, -1)), values

    def _draw_seed(self) -> int:
        """The seed of a run: ``random_state`` itself where it is a number."""
        if is_whole(self.random_state):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(MAX_SEED))

    def _validate(self, X: Matrix, reset: bool = False) -> Any:
        """X as scikit-learn checks it: an array, or of word counts also a sparse matrix."""
        if not reset:
            check_is_fitted(self)
        tags = self.__sklearn_tags__().input_tags
        rows = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr" if tags.sparse else False,
            dtype="numeric",
            ensure_all_finite="allow-nan" if tags.allow_nan else True,
            ensure_min_samples=FEWEST_ROWS if reset else 1,
            ensure_min_features=self._fewest_columns() if reset else 1,
        )
        if tags.positive_only:
            check_non_negative(rows, type(self).__name__)
        return rows

    def _fewest_columns(self) -> int:
        """The fewest columns that the model takes."""
        return 1

    def _observed_data(self, X: Any) -> DataLike:
        """Validated rows as ``inference.fit`` takes them, with the names of their columns where there are some."""
        names = getattr(self, "feature_names_in_", None)
        if self._card.of_words:
            return X if names is None else (X, tuple(map(str, names)))
        if len(self._site().dims) == 1:
            if X.shape[1] != 1:
                raise zoo.ZooError(f"{type(self).__name__} takes one column; given {X.shape[1]} features")
            return X[:, 0]
        if names is None:
            return X
        import pandas as pd

        return pd.DataFrame(X, columns=names)

    def _rows(self, X: Matrix) -> DataLike:
        """New rows, checked against those of the fit."""
        return self._observed_data(self._validate(X))

    @classmethod
    def _site_name(cls) -> str:
        """The one observed site."""
        return next(iter(cls._card.observed))

    @classmethod
    def _site(cls) -> Site:
        return cls._card.sites()[cls._site_name()]

    def __sklearn_tags__(self) -> Tags:
        tags, kind = super().__sklearn_tags__(), self._site().kind
        tags.input_tags.allow_nan = bool(self._card.missing) and not self._card.of_words
        tags.input_tags.sparse = self._card.of_words
        tags.input_tags.positive_only = kind in NONNEGATIVE_KINDS
        tags.input_tags.categorical = kind in WHOLE_KINDS
        return tags
