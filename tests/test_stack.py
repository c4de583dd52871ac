"""One hyperparameter of many pieces: numbers stay the host's, and what is traced is gathered at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsched._core.per_piece import Few, PerPiece, stack


def test_stacked_numbers_stay_the_hosts():
    index = jnp.uint32(1)
    for numbers, kind in (([1, 2], "i"), ([1, 2.5], "f"), ([0.1, 0.2], "f"), ([2.0, 1, 1], "f")):
        found = stack(numbers, index)
        assert (found.numbers.tolist(), found.numbers.dtype.kind) == (numbers, kind)
        assert found.index is index
    for number in (3, 0.1, 2**60):
        for many in (1, 3):
            assert stack([number] * many, index) is number
    assert stack([0.1, 0.1, 0.2], index).numbers.tolist() == [0.1, 0.1, 0.2]
    assert stack([0.1, 0.2, 0.2], index).numbers.tolist() == [0.1, 0.2, 0.2]


@jax.jit
def stacked(a, b, every):
    """Of a number and a traced one, of whole and real ones, and of numbers per piece below those."""
    at = every[..., 0]
    index, chosen = every % 2, Few([at == 1, at == 2])
    below = PerPiece(np.asarray([10.0, 20.0, 30.0]), every)
    flat = PerPiece(np.asarray([10.0, 20.0, 30.0]), jnp.uint32(2))
    return {
        "number": stack([1.5, a, 4], every),
        "one": stack([a, 2.5], jnp.uint32(1)),
        "whole": stack([b, a, b], every),
        "below": stack([below, a, 5], every),
        "below both": stack([below, below], index),
        "below one": stack([flat, b], jnp.uint32(0)),
        "few": stack([1.5, a, b], chosen),
        "few below": stack([PerPiece(np.asarray([10.0, 20.0, 30.0]), chosen), a, 7], chosen),
    }


def test_stacked_numbers_that_are_traced_are_gathered_at_once():
    every = jnp.asarray([[0, 1, 2], [1, 0, 1], [2, 2, 0]], jnp.uint32)
    found = stacked(jnp.float32(0.5), jnp.int32(3), every)
    assert all(jnp.issubdtype(x.dtype, np.floating) for x in found.values())
    at, place = np.asarray(every), np.asarray(every)[:, 0]
    tens = np.asarray([10.0, 20.0, 30.0])
    expected = {
        "number": np.asarray([1.5, 0.5, 4.0])[at],
        "one": 2.5,
        "whole": np.asarray([3.0, 0.5, 3.0])[at],
        "below": np.where(at == 0, 10.0, np.asarray([0.0, 0.5, 5.0])[at]),
        "below both": tens[at],
        "below one": 30.0,
        "few": np.asarray([1.5, 0.5, 3.0])[place],
        "few below": np.asarray([10.0, 0.5, 7.0])[place],
    }
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name, strict=False)
        assert found[name].shape == np.shape(value)


@pytest.mark.parametrize("few", [False, True])
def test_no_number_is_rounded_to_the_type_of_another(few):
    """Else a join's rates would be those of the least precise of its pieces."""
    full, whole = jax.dtypes.canonicalize_dtype(float), jax.dtypes.canonicalize_dtype(int)
    half, brief = jnp.bfloat16(0.7), jnp.float16(0.3)
    for given, kind in (
        ([half, 0.3, 0.7], full),
        ([0.3, half, half], full),
        ([half, brief, half], full),
        ([half, 1001, jnp.int32(3001)], full),
        ([jnp.float32(0.7), 0.3, 0.7], full),
        ([half, half * 2, half], jnp.bfloat16),
        ([1001, jnp.int32(3001), 5], whole),
        ([jnp.int16(1001), 40_001, 5], whole),
    ):
        for i, number in enumerate(given):

            @jax.jit
            def picked(i, traced, given=given):
                index = Few([i == 1, i == 2]) if few else jnp.asarray(i, jnp.uint32)
                parts = iter(traced)
                return stack([next(parts) if isinstance(x, jax.Array) else x for x in given], index)

            found = picked(i, [x for x in given if isinstance(x, jax.Array)])
            assert found.dtype == kind
            assert found == jnp.asarray(number, kind)
