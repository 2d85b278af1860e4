"""What every test shares: one thread, one compilation cache, the data folder, and Old Faithful."""

import gc
import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# The environment, so that processes which tests start have it too. Set before numpy, jax or torch is imported.
os.environ.setdefault("MPLBACKEND", "Agg")
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # two busy BLAS threads on a busy machine are slower than one
# compiling is most of what a short JAX test does: keep what was compiled
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
if (ROOT.parent / "shared" / "data").is_dir():
    os.environ.setdefault("ZOO_DATA", str(ROOT.parent / "shared" / "data"))

# compiling takes as long as it takes; in CI the same examples are tried every time
hypothesis.settings.register_profile("zoo", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("zoo")


# XLA compiles in parts by default, which other workers wait for; all in one takes half of the CPU time
ONE_PART = "--xla_cpu_parallel_codegen_split_count=1"
# and four times faster like this; what it compiles is slower, which tests hardly feel, slow ones neither: they compile
# more than they run
NO_FUSION = "--xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), ONE_PART, NO_FUSION]).strip()
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")


@pytest.fixture
def optimised():
    """Compile with optimisation: for a test that runs longer than it compiles."""
    import jax

    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] == "1")


@pytest.fixture(scope="session")
def old_faithful():
    """The 272 eruptions, ``(272, 2)`` in minutes."""
    from zoo import datasets

    return datasets.load("faithful").to_numpy(float)


def pytest_collection_modifyitems(items):
    """The tutorials first: a worker that begins one last would run on alone."""
    items.sort(key=lambda item: item.path.name != "test_tutorials.py")


def pytest_collection_finish():
    """Collect garbage less often: tracing makes many objects, and a collection visits those of all libraries."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
