"""A user's program in the form that engines run: ``program(**arrays, N=...)``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo._programs.arguments import Arguments, program_name
from zoo.types import BackendArray, Program

OTHER_PLATE = "N_plate"  # of a plate called N that is not that of the rows


class RunnableProgram:
    """A program with the arguments of one call, whose arrays can be replaced; a backend adds two methods.

    Parameters
    ----------
    program : callable
        The user's program.
    arguments : Arguments
        The call, with the user's arrays.
    entry_of_site : dict of str to str
        For an observed site, the entry with its values.
    rows_plate : str
        The user's name of the plate of the rows; "" where there is none.
    batch_sites : tuple of str
        Observed sites whose first batch dimension is that of the rows, where no plate is.
    row_entries : tuple of str
        The arrays that go with the rows.
    missing : dict of str to float
        For an observed site with missing values, a value of its support.
    static : tuple of str
        Arrays whose values decide on shapes or on the flow of the program, which stay NumPy arrays.
    dtype : str
        The precision that the program is read in: "float32" where its modules have that.
    imputed : tuple of str
        Discrete observed sites whose missing values are latent, since other sites depend on them: the program then has
        the sites ``<site>_observed`` and ``<site>_unobserved``, as with ``obs_mask``.
    """

    def __init__(
        self,
        program: Program,
        arguments: Arguments,
        entry_of_site: Mapping[str, str],
        rows_plate: str = "",
        batch_sites: tuple[str, ...] = (),
        row_entries: tuple[str, ...] = (),
        missing: Mapping[str, float] | None = None,
        static: tuple[str, ...] = (),
        dtype: str = "float64",
        imputed: tuple[str, ...] = (),
    ):
        self.program, self.arguments, self.entry_of_site = program, arguments, dict(entry_of_site)
        self.rows_plate, self.batch_sites, self.row_entries = rows_plate, batch_sites, row_entries
        self.missing, self.static, self.dtype, self.imputed = dict(missing or {}), static, dtype, imputed
        self.__name__ = program_name(program)
        self.__module__ = getattr(program, "__module__", "")

    def __call__(self, **inputs: BackendArray) -> object:
        """Run the program.

        Parameters
        ----------
        **inputs
            Arrays of the backend by entry, an observed site under its own name, and N, the number of rows that the
            arrays stand for. An observed site without an entry is sampled; of other arrays those of the call are used.

        Returns
        -------
        object
            What the program returns.
        """
        arrays = {self.entry_of_site.get(name, name): value for name, value in inputs.items() if value is not None}
        arrays = {name: value for name, value in arrays.items() if name in self.arguments.paths}
        size = next((len(arrays[n]) for n in self.row_entries if n in arrays), None)
        count = inputs.get("N")
        if size is None:
            size = count if count is not None else self.num_rows
        count = size if count is None else count
        absent = {site for site, entry in self.entry_of_site.items() if entry not in arrays}
        for name, value in self.arguments.arrays.items():
            if name in arrays:
                continue
            own_size = len(value) if name in self.row_entries else None
            arrays[name] = value if size is None or own_size in (None, size) else self.resize(value, size)
        return self.run(arrays, absent, count, size if self.row_entries or self.rows_plate else None)

    @property
    def num_rows(self) -> int | None:
        """The number of rows of the call, where arrays go with them."""
        return next((len(self.arguments.arrays[n]) for n in self.row_entries), None)

    def plate_name(self, name: str) -> str:
        """The name that engines have for a plate: N for that of the rows, and for no other."""
        if name == self.rows_plate:
            return "N"
        return OTHER_PLATE if name == "N" and self.rows_plate else name

    def incomplete_entry(self, value: BackendArray, arrays: Mapping[str, BackendArray]) -> str:
        """The entry that an array is, of those that miss a part of their values; "" where it is another."""
        return next((n for n in self.arguments.incomplete if arrays.get(n) is value), "")

    def has_computed_gaps(self, value: BackendArray, arrays: Mapping[str, BackendArray]) -> bool:
        """Whether an observed value may be a part of an array with missing values, as one step of a loop is."""
        return bool(self.arguments.incomplete) and not any(a is value for a in arrays.values())

    def has_batch_rows(self, site: str) -> bool:
        """Whether the rows are the first batch dimension of an observed site, and not a plate."""
        return site in self.batch_sites

    def run(
        self,
        arrays: dict[str, BackendArray],
        absent: set[str],
        count: int | None,
        size: int | None,
    ) -> object:
        """Run the program on arrays of the backend, with ``absent`` sites sampled and ``size`` rows for ``count``."""
        raise NotImplementedError

    def resize(self, value: np.ndarray, count: int) -> BackendArray:
        """An array with ``count`` rows, each like the first."""
        raise NotImplementedError
