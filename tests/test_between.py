"""The way between two values along a shape: of numbers, and of traced ones."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from straight import DTYPE, EPSILON, LARGEST, LENGTH, STEPS, calls, exact, forms, steps

from jaxsched import shapes
from jaxsched._core.host import host_function
from jaxsched._core.progress import progress
from jaxsched._core.shape import _bounded, _way, between, shape

FORMS = LOPSIDED, EVEN, SCALED, SCALED_AND_EVEN = forms()


def on_host(start, end, form) -> list[float]:
    read = host_function(lambda t: between(start, end, progress(t, LENGTH), form) * 1.0, (), "way")
    return [read(max(t, 0)) for t in STEPS]


def on_device(start, end, form, *parameters) -> np.ndarray:
    return np.asarray(between(start, end, progress(steps(), LENGTH), form, *parameters))


PAIRS = [
    (3.0, 1.0), (1.0, 3.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.5), (0.5, -1.0), (0.1, 0.7), (2.0, -2.0),
    (-3.0, -1.0), (-1.0, -3.0), (5.0, 5.0), (-5.457, 7.805), (7.805, -5.457), (2.7, -4.6), (1.0, -5.0),
    (-4.6, 2.7), (1e-20, 1.0), (1.0, 1e-20), (1.431, -3.563), (-3.563, 1.431), (0.1, 0.1), (-5.0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_numbers(form):
    for start, end in PAIRS:
        expected = exact(start, end)
        for values, epsilon in ((on_host(start, end, form), 2.0**-52), (None, EPSILON)):
            dtype = np.float64 if values else DTYPE
            values = np.asarray(values) if values else on_device(start, end, form)
            tolerance = epsilon * max(abs(start), abs(end))
            np.testing.assert_allclose(values, expected, 2 * epsilon, tolerance)
            assert (values[:2] == dtype(start)).all()
            assert (values[-2:] == dtype(end)).all()
            assert dtype(min(start, end)) <= values.min()
            assert values.max() <= dtype(max(start, end))
        if abs(start) < abs(end) / 1e6:  # nearer to 0 it has all its digits
            assert values[1] == DTYPE(start)
    calls()


def test_what_is_asked_of_a_shape():
    """One weight, and where it can scale itself, with the way and whether that lands on its end."""
    lopsided, even, scaled, scaled_and_even = forms()
    for start, end in PAIRS:
        on_device(start, end, lopsided)
        assert calls() == ["fall" if abs(end) <= abs(start) else "rise"]
        on_device(start, end, even)
        assert calls() == ["fall"]
        small, large = (end, start) if abs(end) <= abs(start) else (start, end)
        way, lands = _way(small, large, DTYPE)
        asked = (float(large), True) if small == 0 else (way, lands)
        on_device(start, end, scaled_and_even)
        assert calls() == [asked]
        on_device(start, end, scaled)
        assert calls() == [asked] * (abs(end) <= abs(start))
        way, lands = _way(small, large, np.float64)
        on_host(start, end, scaled_and_even)
        assert calls() == [(large, True) if small == 0 else (way, lands)]
    asked = [_way(-5.457, 7.805, dtype)[1] for dtype in (np.float32, np.float64)]
    assert asked == [False, False]  # the pairs have some that miss


def powered(progress, exponent):
    return progress.remaining


def test_which_shapes_are_symmetric():
    lopsided, even, *_ = forms()
    at_times = shape(symmetric_if=lambda exponent: exponent == 1)
    at_times = at_times(powered)
    for form, parameters, symmetric in (
        (lopsided, (), False), (even, (), True), (at_times.form, (1,), True),
        (at_times.form, (2,), False), (shapes.cosine.form, (1.0,), True),
        (shapes.cosine.form, (2.0,), False), (shapes.linear.form, (), True),
    ):  # fmt: skip
        assert form.is_symmetric(*parameters) is symmetric


def test_ends_beyond_the_floats_are_their_largest():
    if DTYPE is np.float64:
        ends = [(LARGEST, 0.0), (0.0, LARGEST), (LARGEST, -LARGEST), (1.0, LARGEST)]
    else:
        ends = [(9e38, 0.0), (0.0, -9e38), (9e38, -9e38), (1.0, 9e38), (9e38, 5e38), (-9e38, 3e38)]
    for form in FORMS:
        for start, end in ends:
            start_, end_ = np.clip([start, end], -LARGEST, LARGEST).tolist()
            values = on_device(start, end, form)
            np.testing.assert_allclose(values, exact(start_, end_), 0, 2 * EPSILON * LARGEST)
            assert (values[0], values[-1]) == (DTYPE(start_), DTYPE(end_))
    calls()


def test_traced_ends():
    """Of any type; with a number at the other end, which may be 0."""
    for form in FORMS:
        read = jax.jit(lambda a, b, f=form: between(a, b, progress(steps(), LENGTH), f))
        for start, end in PAIRS:
            fixed = (
                lambda a, b=end, f=form: between(a, b, progress(steps(), LENGTH), f),
                lambda b, a=start, f=form: between(a, b, progress(steps(), LENGTH), f),
            )
            found = [read(start, end)]
            if (start, end) in PAIRS[:4] and form in FORMS[::3]:
                found += [jax.jit(fixed[0])(start), jax.jit(fixed[1])(end)]
            for values in found:
                tolerance = 2 * EPSILON * max(abs(start), abs(end))
                np.testing.assert_allclose(values, exact(start, end), 0, tolerance)
                assert (values[0], values[-1]) == (DTYPE(start), DTYPE(end))
                assert DTYPE(min(start, end)) <= values.min()
                assert values.max() <= DTYPE(max(start, end))
        for ends in ((jnp.int32(8), 0), (0, jnp.int32(8)), (jnp.int32(8), jnp.int32(-4))):
            values = between(*ends, progress(steps(), LENGTH), form)
            np.testing.assert_array_equal(values, exact(*map(int, ends)))
    calls()


def test_a_bound_takes_nothing_of_the_slope():
    start, end = jnp.asarray([1.0, 3.0, 1.0, 3.0, 1.0, 3.0]), jnp.asarray([3.0, 1.0] * 3)
    value = jnp.asarray([0.5, 0.5, 2.0, 2.0, 3.5, 3.5])
    np.testing.assert_array_equal(_bounded(value, start, end), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    slopes = jax.grad(lambda v, a, b: _bounded(v, a, b).sum(), (0, 1, 2))(value, start, end)
    np.testing.assert_array_equal(slopes, [np.ones(6), np.zeros(6), np.zeros(6)])


# --- pinned -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clamped", ["both", "top", ""])
@pytest.mark.parametrize("pinned", ["end", "both"])
def test_pinned_weights(pinned, clamped):
    """A formula from 2 to -1 and its complement from -1 to 2, between the ends and at them."""

    def steep(progress):
        return progress.remaining * 3.0 - 1.0

    complement = lambda progress: progress.elapsed * 3.0 - 1.0
    form = shape(pinned=pinned, clamped=clamped, complement=complement)(steep).form
    low, high = (0.0 if clamped == "both" else -1.0), (1.0 if clamped else 2.0)
    at = lambda weight: np.clip(weight, low, high)
    inside = np.asarray([0.25, 0.5, 0.75])
    first = {"both": (1.0, 0.0), "end": (at(2.0), at(-1.0))}[pinned]
    fall, rise = [first[0], *at(3 * (1 - inside) - 1), 0.0], [first[1], *at(3 * inside - 1), 1.0]
    for values, expected in (
        (on_device(1.0, 0.0, form), fall), (on_device(0.0, 1.0, form), rise),
        (on_host(1.0, 0.0, form), fall), (on_host(0.0, 1.0, form), rise),
    ):  # fmt: skip
        np.testing.assert_array_equal(values[1:-1], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_way_lands_on_its_end_if_any_does(dtype):
    for small, large in [sorted(pair, key=abs) for pair in PAIRS]:
        way, lands = _way(small, large, dtype)
        near = [dtype(way)]
        for towards in (np.inf, -np.inf):
            x = dtype(way)
            for _ in range(4):
                x = np.nextafter(x, dtype(towards))
                near.append(x)
        assert lands == any(dtype(small) + x == dtype(large) for x in near)
        assert lands or abs(dtype(small) + dtype(way)) > abs(dtype(large))
