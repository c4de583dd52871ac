"""Strict arithmetic in every test; the precision is the environment's (JAX_ENABLE_X64)."""

import importlib.util
from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

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
