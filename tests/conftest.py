"""Strict arithmetic in every test; the precision is the environment's (JAX_ENABLE_X64)."""

import gc
import importlib.util
import tempfile
from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# What `forget_programs` drops after each module, and the next one needs again, is read from here.
if jax.config.jax_enable_compilation_cache and jax.config.jax_compilation_cache_dir is None:
    programs = tempfile.TemporaryDirectory(prefix="jaxsched-programs-")  # removed with the process
    jax.config.update("jax_compilation_cache_dir", programs.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

# Under PYTHONOPTIMIZE only what pytest rewrites asserts: test modules, and this with their checks.
pytest.register_assert_rewrite("shares")

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
    """The compiled programs of all tests would take gigabytes."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=bool(jax.config.jax_check_tracer_leaks))
def quick_search_for_leaks() -> Iterator[None]:
    """After every trace JAX looks through all objects for its tracers. None that was there before the test
    can hold one that is found, so those are set aside; only a message no longer names a holder among them.
    """
    gc.freeze()
    yield
    gc.unfreeze()
