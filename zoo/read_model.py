"""ReadModel: a program of the user's own with the arguments it was read with, in the form that engines run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoo._backend import backend_of, in_backend
from zoo._programs.arguments import Arguments, program_name
from zoo._programs.new_data import arrays_by_name, columns_of, merge_arrays
from zoo._programs.reading import Choices, Reading, read_program
from zoo._programs.runnable import RunnableProgram
from zoo._programs.sizes import complete_sizes, simulate_data
from zoo.cards import NOTHING
from zoo.errors import ZooError, describe_error, unknown
from zoo.model import Model
from zoo.types import DataLike, Keywords


class ReadModel(Model):
    """A program of the user's own after one run with the user's data: ``zoo.read`` makes it.

    Parameters
    ----------
    source : Model
        The program as ``zoo.Model`` has it.
    reading : Reading
        Its sites, rows, card and data.
    settings : dict, optional
        Sizes that differ from those of the reading.
    """

    def __init__(self, source: Model, reading: Reading, settings: Keywords | None = None):
        self.source, self.reading = source, reading
        self.program: RunnableProgram = reading.runnable
        self.backend, self.collapsed = source.backend, None
        self._card = reading.card
        self.data_names = tuple(reading.table)
        self.keywords = dict(reading.sizes)
        self.settings = dict(settings or {})
        self.columns = columns_of(reading)

    @property
    def package(self) -> str:
        """The package of the zoo that defines the program: none."""
        return ""

    def with_settings(self, **settings: Any) -> ReadModel:
        """The same program with other sizes.

        Parameters
        ----------
        **settings
            Sizes by the name of the dimension.

        Returns
        -------
        ReadModel
        """
        return ReadModel(self.source, self.reading, {**self.settings, **settings})

    def with_card(self, **fields: Any) -> ReadModel:
        """The same program with some fields of its card replaced.

        Parameters
        ----------
        **fields
            Fields of ``zoo.Card``.

        Returns
        -------
        ReadModel
        """
        return ReadModel(self.source, self.reading.with_card(**fields), self.settings)

    def bind(
        self, data: DataLike = None, seed: int | None = 0, weights: ArrayLike | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays of a call by name, and the sizes.

        Parameters
        ----------
        data : dict, tuple or array, optional
            Arrays by argument or observed site, those of the reading in the place of others; the positional arguments
            of the program; one array where it has one. By default the arrays of the reading.
        seed : int or None
            Not used: a program of the user's own has no intensities.
        weights : array, (N,), optional
            Not used: its priors do not depend on the data.

        Returns
        -------
        table : dict of str to array
        keywords : dict of str to int

        Raises
        ------
        ZooError
            For names that the program does not have, and for arrays with different numbers of rows.
        """
        table = dict(self.reading.table)
        if data is not None:
            table = merge_arrays(self.reading, arrays_by_name(self.reading, self.source.program, data))
        return table, self.complete(self.settings, table)

    def complete(
        self, settings: Keywords, table: Mapping[str, np.ndarray], weights: np.ndarray | None = None
    ) -> dict[str, Any]:
        """The size of each dimension: of the reading, unless it is set or the arrays have another.

        Parameters
        ----------
        settings : dict
            Sizes that are set.
        table : dict of str to array
        weights : array, optional
            Not used.

        Returns
        -------
        dict of str to int
        """
        sizes, sites = {**self.keywords, **settings}, self.card.sites()
        for name, values in table.items():
            sizes |= dict(zip(sites[name].dims, np.shape(values), strict=True))
        return sizes

    def data_of(self, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The observed part of simulated values, with the covariates and the missing values of the reading.

        Parameters
        ----------
        values : dict of str to array

        Returns
        -------
        dict of str to array

        Raises
        ------
        ZooError
            For an observed site whose values are no argument of the program.
        """
        own, observed = self.reading.table, self.reading.runnable.entry_of_site
        computed = [n for n in self.card.observed if n not in observed]
        if computed:
            raise ZooError(
                f"the values of {', '.join(computed)} are computed in {self.name}, so that no other data can take "
                "their place: make them an argument, passed on as obs"
            )
        data = {n: np.asarray(values[n], own[n].dtype) if n in observed and n in values else own[n] for n in own}
        return {n: np.where(np.isnan(own[n]), np.nan, v) if n in self.card.missing else v for n, v in data.items()}

    def simulate(
        self, seed: int = 0, values: Mapping[str, np.ndarray] = NOTHING, **settings: Any
    ) -> dict[str, np.ndarray]:
        """Draw every site without a value in ``values`` from the program, at the covariates of the reading.

        Parameters
        ----------
        seed, values, **settings
            As in ``Model.simulate``.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        ZooError
            Where a distribution cannot be sampled, as an improper prior.
        """
        try:
            return super().simulate(seed, values, **settings)
        except ZooError:
            raise
        except Exception as error:
            advice = "; an improper prior has no draws: give values={...} for its site"
            is_improper = isinstance(error, NotImplementedError)
            raise ZooError(
                f"{self.name} cannot be sampled from: {describe_error(error)}{advice if is_improper else ''}"
            ) from error

    def deterministic(
        self, draws: Mapping[str, np.ndarray], table: Mapping[str, Any], keywords: Keywords
    ) -> dict[str, np.ndarray]:
        """The deterministic sites at draws of the latents.

        Parameters
        ----------
        draws : dict of str to array, (chain, draw, *shape)
        table : dict of str to array
        keywords : dict of str to int

        Returns
        -------
        dict of str to array, (chain, draw, *shape)
            Empty where the program has none, or a latent has no draws.
        """
        names = [n for n in self.card.deterministic if n not in draws]
        continuous = [n for n in self.card.latents if n not in self.card.enumerated]
        if not names or not draws or not set(continuous) <= set(draws):
            return {}
        shape = next(iter(draws.values())).shape[:2]
        flat = {n: draws[n].reshape(-1, *draws[n].shape[2:]) for n in draws}
        values = in_backend("zoo._programs", self.backend).values_at(self.program, {**table, **keywords}, flat, names)
        return {n: v.reshape(*shape, *v.shape[1:]) for n, v in values.items()}

    def log_joint(self, values: Mapping[str, np.ndarray], **settings: Any) -> float:
        """log p(latents, data) in nats, in 64 bits.

        Parameters
        ----------
        values : dict of str to array
            A value for each latent and learned parameter; data that is not given is that of the reading.
        **settings
            Sizes.

        Returns
        -------
        float
        """
        table = {n: values.get(n, own) for n, own in self.reading.table.items()}
        latents = self._as_data({n: v for n, v in values.items() if n not in table})
        keywords = {**self.complete({**self.settings, **settings}, table), **table}
        return backend_of(self).log_joint(self.program, keywords, latents)


def read(
    model: Model,
    *args: Any,
    rows: str | None = None,
    row_arguments: Sequence[str] | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Sequence[object]] | None = None,
    **kwargs: Any,
) -> ReadModel:
    """Read a program of the user's own by running it once with its arguments.

    Parameters
    ----------
    model : Model
        ``zoo.Model(program, backend=...)``.
    *args, **kwargs
        The arguments of the program, arrays of any library among them.
    rows : str, optional
        The plate of the rows, where it is not the one that holds every observed site.
    row_arguments : sequence of str, optional
        The arrays that go with the rows, where running on half of the rows does not tell.
    dims : dict of str to sequence of str, optional
        Names of the dimensions of sites that are not plates.
    coords : dict of str to sequence, optional
        Labels along dimensions.

    Returns
    -------
    ReadModel

    Raises
    ------
    ZooError
        For anything but a ``Model``, a program that cannot run with these arguments, or one without data or latents.
    """
    if not isinstance(model, Model):
        raise ZooError(f"read takes zoo.Model(program, backend=...); given {program_name(model)}")
    if isinstance(model, ReadModel):
        model = model.source
    choices = Choices(rows, row_arguments, dims or {}, coords or {})
    return read_arguments(model, args, kwargs, choices)


def read_arguments(model: Model, args: Sequence[Any], kwargs: Mapping[str, Any], choices: Choices) -> ReadModel:
    """``read``, with the arguments of the program apart from the choices of the user."""
    module = in_backend("zoo._programs", model.backend)
    keywords = complete_sizes(module, model.program, tuple(args), {**model.settings, **kwargs})
    if not args and not kwargs:
        keywords |= simulate_data(module, model.program, keywords)
    arguments = Arguments.from_call(model.program, args, keywords)
    reading = read_program(model.program, model.backend, arguments, choices)
    for dim in {*choices.coords} - {d for s in reading.card.sites().values() for d in s.dims}:
        raise unknown(f"dimension of {program_name(model.program)}", dim, reading.sizes)
    return ReadModel(model, reading)
