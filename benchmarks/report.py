"""What all benchmarks share: options, timing, ratios, and the report as text and as JSON.

    python benchmarks/report.py     prints the versions and the machine, as they are in every JSON report

It imports neither NumPy nor a backend, so that a benchmark can set the number of threads first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = (
    "latent-zoo", "numpy", "scipy", "jax", "jaxlib", "numpyro", "optax", "flax", "numba", "torch", "pyro-ppl",
    "scikit-learn", "gensim", "tomotopy", "lda", "ppca-py", "hmmlearn", "dynamax",
)  # fmt: skip
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows the docstring of a benchmark, with the option ``--json``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="PATH", help="write the results to this file too")
    return parser


def options_of(args: argparse.Namespace, own: dict[str, Any]) -> dict[str, Any]:
    """The options of one part of a benchmark: those given, and its own where they are not."""
    return {name: default if getattr(args, name) is None else getattr(args, name) for name, default in own.items()}


def check_parts(parser: argparse.ArgumentParser, args: argparse.Namespace, known: Iterable[str]) -> None:
    """Exit with a message unless every part that is named exists."""
    unknown = set(args.part) - set(known)
    if unknown:
        parser.error(f"{unknown.pop()} is none of {', '.join(known)}")


def set_threads(count: int) -> None:
    """Set the number of threads of linear algebra; call it before NumPy, JAX or torch is imported."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(count)))


class Timing(NamedTuple):
    """The result of a call, its wall time and its CPU time in seconds."""

    result: Any
    wall: float
    cpu: float


def measure(call: Callable[..., Any], *args: Any) -> Timing:
    """Call a function and time it."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call(*args)
    return Timing(result, time.perf_counter() - wall, time.process_time() - cpu)


def median_and_range(values: Iterable[float], digits: int = 1) -> str:
    """Median, smallest and largest value as text.

    >>> median_and_range([3, 1, 2])
    '2.0 (1.0 to 3.0)'
    """
    values = [float(v) for v in values]
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


class Report:
    """The results of one run of a benchmark: lines on the screen, and records for the JSON file.

    script: the path of the benchmark, of which the file name is reported. args: its options.
    """

    def __init__(self, script: str, args: argparse.Namespace):
        self.path = args.json
        self.content: dict[str, Any] = {
            "benchmark": Path(script).stem,
            "options": {name: value for name, value in vars(args).items() if name not in ("json", "folder")},
            "results": [],
            "versions": versions(),
            "machine": machine(),
        }

    def add(self, text: str, **record: Any) -> None:
        """Print a line, and add a record, which the JSON file then contains."""
        print(text, flush=True)
        if record:
            self.content["results"].append(record)

    def write(self) -> None:
        """Write the JSON file, where one was asked for; NumPy's numbers and arrays become plain ones."""
        if self.path:
            text = json.dumps(self.content, indent=1, default=lambda value: value.tolist())
            Path(self.path).write_text(text + "\n")


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that the benchmarks use."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


def machine() -> dict[str, Any]:
    """The processor, the number of cores that this process may use, the platform, and how busy it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "platform": f"{platform.system()} {platform.machine()}",
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """The model of the processor, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


if __name__ == "__main__":
    print(json.dumps({"versions": versions(), "machine": machine()}, indent=1))
