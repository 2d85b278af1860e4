"""Files of programs: the file and the name on the command line, the backend, and the program itself."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import cast

from zoo._backend import BACKENDS, in_backend
from zoo.errors import ZooError, unknown
from zoo.types import Program

BACKEND_OF_IMPORT = {"numpyro": "numpyro", "pyro": "pyro"}
HINT_OF_IMPORT = {"jax": "numpyro", "flax": "numpyro", "torch": "pyro"}  # where neither language is imported by name


@dataclass(frozen=True)
class ProgramFile:
    """A program of a file: ``FILE.py:PROGRAM``.

    Attributes
    ----------
    path : Path
    name : str
        Name of the program in the file.
    backend : str
        "numpyro" or "pyro".
    module : module
        The file, executed.
    """

    path: Path
    name: str
    backend: str
    module: ModuleType = field(repr=False)

    @property
    def program(self) -> Program:
        """The function, or the object that is called as one; of a class an instance. Raises ZooError."""
        return self.attribute(self.name, "program")

    def guide(self, name: str) -> Program:
        """A guide of the file; of a class, as an automatic guide is, an instance for the program. Raises ZooError."""
        value = getattr(self.module, name, None)
        if inspect.isclass(value):
            try:
                return cast(Callable[[Program], Program], value)(self.program)
            except TypeError:  # a class of the user's own, without arguments
                pass
        return self.attribute(name, "guide")

    def attribute(self, name: str, what: str) -> Program:
        """A callable of the file; raises ZooError for an unknown name and for what cannot be called."""
        if not hasattr(self.module, name):
            raise unknown(f"{what} of {self.path.name}", name, own_callables(self.module))
        value = getattr(self.module, name)
        if inspect.isclass(value):
            try:
                value = value()
            except TypeError as error:
                raise ZooError(
                    f"{name} is a class whose instances need arguments: make one in {self.path.name}, "
                    f"as in {what} = {name}(...), and name that"
                ) from error
        if not callable(value):
            raise ZooError(f"{name} of {self.path.name} is no {what}: name a function of sample statements")
        return value


def is_program_file(text: str) -> bool:
    """Whether an argument names a file, and not a model of the zoo.

    >>> is_program_file("rats.py:growth"), is_program_file("gaussian_mixture")
    (True, False)
    """
    return text.partition(":")[0].endswith(".py") or ".py:" in text


def load_program_file(text: str, backend: str | None = None) -> ProgramFile:
    """Execute the file of ``FILE.py:PROGRAM``.

    Parameters
    ----------
    text : str
    backend : str, optional
        By default that of the language that the file imports.

    Returns
    -------
    ProgramFile

    Raises
    ------
    ZooError
        For a file that is absent or raises, an unknown name, and a file whose backend cannot be told.
    """
    place, _, name = text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    path = Path(place)
    if not path.is_file():
        raise ZooError(f"no file {place or text!r}: name a program as FILE.py:PROGRAM")
    try:
        tree = ast.parse(path.read_text(), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise ZooError(f"{place} cannot be read as Python: {error}") from error
    if not name:
        functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        raise ZooError(f"name a program of {place}, as {place}:PROGRAM; it has {', '.join(functions) or 'none'}")
    if backend is not None and backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    backend = backend or guess_backend(tree, place)
    in_backend("zoo._backend", backend)  # raises where its packages are not installed
    loaded = ProgramFile(path, name, backend, execute(path))
    loaded.attribute(name, "program")
    return loaded


def guess_backend(tree: ast.Module, place: str) -> str:
    """The backend of the language that a file imports; raises ZooError where it imports none of them, or several."""
    nodes = list(ast.walk(tree))
    imports = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    imports |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    packages = {name.partition(".")[0] for name in imports}
    for table in (BACKEND_OF_IMPORT, HINT_OF_IMPORT):
        backends = sorted({table[p] for p in packages & table.keys()})
        if len(backends) == 1:
            return backends[0]
        if backends:
            raise ZooError(f"{place} imports {' and '.join(backends)}: choose one with --backend")
    raise ZooError(f"{place} imports neither numpyro nor pyro: name its language with --backend")


def execute(path: Path) -> ModuleType:
    """The module of a file, with the files beside it importable; raises ZooError where the file raises."""
    folder = str(path.resolve().parent)
    name = f"_program_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[name] = module  # dataclasses and modules of networks look their own module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the file raises
        first = next(iter(str(error).splitlines()), "")
        raise ZooError(f"{path} raises {type(error).__name__}{line_of(error, path)}: {first}") from error
    finally:
        # workers have no such module: what is in none is sent to them by value
        sys.modules.pop(name, None)
    return module


def line_of(error: BaseException, path: Path) -> str:
    """The last line of a file that an exception passed through, as text; "" where it passed through none."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) in (path, path.resolve()):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" in line {lines[-1]}" if lines else ""


def own_callables(module: ModuleType) -> list[str]:
    """The functions and classes that a file itself defines, and other objects of it that can be called."""
    return [
        n
        for n, value in vars(module).items()
        if not n.startswith("_")
        and callable(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    ]
