"""Strict arithmetic in every test; the precision is the environment's (JAX_ENABLE_X64)."""

import gc
import importlib.util
import tempfile
from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# A program that several tests compile is compiled once in each process.
if jax.config.jax_compilation_cache_dir is None:
    programs = tempfile.TemporaryDirectory(prefix="jaxsched-programs-")  # removed with the process
    jax.config.update("jax_compilation_cache_dir", programs.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

# The doctests of every file are collected; this one, for the tests of the peers, needs one.
collect_ignore = [] if importlib.util.find_spec("torch") else ["interop_torch_cases.py"]


@pytest.fixture
def x64() -> bool:
    """Whether this run computes in float64 on the device."""
    return bool(jax.config.jax_enable_x64)


@pytest.fixture
def nan_on_purpose() -> Iterator[None]:
    """Lets a test compute with NaN also where `jax_debug_nans` is set for the run."""
    with jax.debug_nans(False):
        yield


@pytest.fixture(scope="module", autouse=True)
def forget_programs() -> Iterator[None]:
    """Those of all tests would take gigabytes."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=bool(jax.config.jax_check_tracer_leaks))
def quick_search_for_leaks() -> Iterator[None]:
    """Of what was there before the test no tracer of it can hang: the search after every trace skips it."""
    gc.freeze()
    yield
    gc.unfreeze()
