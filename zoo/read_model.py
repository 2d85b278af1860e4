"""ReadModel: a program of the user's own with the arguments it was read with, in the form that engines run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo._backend import backend_of, in_backend
from zoo._programs.arguments import Arguments, positional_names, program_name
from zoo._programs.reading import Choices, Reading, read_program
from zoo._programs.runnable import RunnableProgram
from zoo._programs.sizes import complete_sizes, simulate_data
from zoo.errors import ZooError, unknown
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

    def bind(self, data: DataLike = None, seed: int | None = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays of a call by name, and the sizes.

        Parameters
        ----------
        data : dict, tuple or array, optional
            Arrays by argument or observed site, those of the reading in the place of others; the positional arguments
            of the program; one array where it has one. By default the arrays of the reading.
        seed : int or None
            Not used: a program of the user's own has no intensities.

        Returns
        -------
        table : dict of str to array
        keywords : dict of str to int

        Raises
        ------
        ZooError
            For names that the program does not have, and for arrays with different numbers of rows.
        """
        table = self._merge(self._arrays_by_name(data)) if data is not None else dict(self.reading.table)
        return table, self.complete(self.settings, table)

    def _arrays_by_name(self, data: DataLike) -> dict[str, np.ndarray]:
        runnable = self.reading.runnable
        if not isinstance(data, Mapping):
            args = data if isinstance(data, tuple) else (data,)
            data = dict(zip(positional_names(self.source.program), args, strict=False))
        values = {n: v for n, v in data.items() if v is not None}
        by_entry = {entry: site for site, entry in runnable.entry_of_site.items()}
        call = Arguments.from_call(lambda **values: None, (), values)
        arrays = {by_entry.get(n, n): array for n, array in call.arrays.items()}
        for name in arrays:
            if name not in self.reading.table:
                raise unknown(f"array of {self.name}", name, self.reading.table)
        return arrays

    def _merge(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays given, beside those of the reading that do not go with the rows."""
        sites, own = self.card.sites(), self.reading.table
        local = {n for n in own if "N" in sites[n].dims}
        given = {n: arrays[n] for n in own if n in arrays}
        for name, array in given.items():
            if array.ndim != own[name].ndim:
                raise ZooError(f"{name} has {own[name].ndim} dimensions, not shape {array.shape}")
        rows = {n: a.shape[sites[n].dims.index("N")] for n, a in given.items() if n in local}
        if len(set(rows.values())) > 1:
            raise ZooError(
                f"arrays of different numbers of rows: {', '.join(f'{n} {size}' for n, size in rows.items())}"
            )
        if rows and next(iter(rows.values())) == self.reading.rows.size:
            return {**own, **given}
        absent = [n for n in local - given.keys() if n in self.card.covariates]
        if rows and absent:
            raise ZooError(f"the program reads {', '.join(absent)} for every row: give it beside {', '.join(rows)}")
        return {n: given.get(n, own[n]) for n in own if n in given or not (rows and n in local)}

    def complete(self, settings: Keywords, table: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The size of each dimension: of the reading, unless it is set or the arrays have another.

        Parameters
        ----------
        settings : dict
            Sizes that are set.
        table : dict of str to array

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
