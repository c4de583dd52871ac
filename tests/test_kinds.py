"""The kinds of numbers and steps: what becomes an array of which type, and what stays as it is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import PerPiece


def program(function, *arguments) -> str:
    return str(jax.make_jaxpr(function)(*arguments))


def test_only_arrays_of_floats_become_strong():
    for x in (
        jnp.asarray([0.5], jnp.bfloat16),
        jnp.asarray([0.5], jnp.float16),
        jnp.asarray([0.5]),
    ):
        found = nx.strong(x)
        assert (found.dtype, found.tolist()) == (nx.float_dtype(), [0.5])
        assert not found.weak_type
    for x in (jnp.int8(3), jnp.uint32(3), jnp.asarray(True), 0.5, 3, np.float16([0.5]), np.int8([3]),
              PerPiece(np.asarray([0.5, 1.0]), jnp.uint32(0)), None, "x"):  # fmt: skip
        assert nx.strong(x) is x


STEPS = [-3, 0, 3]


@pytest.mark.parametrize("clamped", [True, False])
def test_steps_before_0(clamped):
    expected = [0, 0, 3] if clamped else STEPS
    for dtype in (jnp.int8, jnp.int16, jnp.int32, jnp.float16, jnp.bfloat16, jnp.float32):
        found = nx.normal_step(jnp.asarray(STEPS, dtype), clamped)
        assert found.tolist() == expected
        whole = jnp.issubdtype(dtype, jnp.integer)
        assert found.dtype == (nx.int_dtype() if whole else nx.float_dtype())
    for dtype in (np.float16, np.float32, np.float64):
        found = nx.normal_step(np.asarray(STEPS, dtype), clamped)
        assert (found.tolist(), found.dtype) == (expected, nx.float_dtype())
    assert nx.normal_step(np.asarray(STEPS), clamped).tolist() == [0, 0, 3]
    some = jnp.asarray([0, 3, 200], jnp.uint8)
    assert nx.normal_step(some, clamped).tolist() == [0, 3, 200]
    assert " max " not in program(lambda t: nx.normal_step(t, clamped), some)
    assert nx.normal_step(jnp.asarray([0.0, 0.25])).tolist() == [0.0, 0.25]
    assert nx.normal_step(jnp.asarray(STEPS)).tolist() == [0, 0, 3]  # without more said


def test_one_of_two_numbers_has_the_others_type():
    condition = jnp.asarray([True, False])
    for array in (jnp.float32([2, 3]), jnp.int32([2, 3]), jnp.bfloat16([2, 3]), jnp.uint8([2, 3])):
        for number in (1, 1.0):
            left, right = nx.where(condition, number, array), nx.where(condition, array, number)
            assert (left.tolist(), right.tolist()) == ([1, 3], [2, 1])
            assert left.dtype == right.dtype == array.dtype
            for function in (
                lambda c, a, n=number: nx.where(c, n, a),
                lambda c, a, n=number: nx.where(c, a, n),
            ):
                assert "convert_element_type" not in program(function, condition, array)
    both = jax.jit(nx.where)(condition, jnp.float32([2, 3]), jnp.float32([4, 5]))
    assert both.tolist() == [2, 5]
    assert nx.where(condition, 1, 0).tolist() == [1, 0]
    assert nx.where(condition, 0.25, 4.0).tolist() == [0.25, 4.0]
    read = host_function(lambda t: nx.where(t >= 3, t * 2, 0.5), (), "x")
    assert [read(t) for t in (2, 3, 4)] == [0.5, 6, 8]
