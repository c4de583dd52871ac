"""How a value moves along a shape: what is public of it, at the ends of what floats hold."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx
from jaxsched._core.shape import _way, lifted, shape

pytestmark = pytest.mark.skipif(
    bool(jax.config.jax_enable_x64),
    reason="gives the core steps and numbers of the default precision",
)

LARGEST = float(np.finfo(np.float32).max)


def ends() -> list[tuple[float, float]]:
    """Pairs of numbers of like, of very different and of opposite signs and sizes."""
    rng = np.random.default_rng(1)
    sizes = rng.uniform(0.5, 1.0, (400, 2)) * 10.0 ** rng.choice(
        [-30, -7, -1, 0, 0, 0, 8, 30], (400, 2)
    )
    return (sizes * rng.choice([-1.0, 1.0], (400, 2))).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_way_is_the_shortest_that_arrives(dtype):
    for a, b in ends():
        small, large = sorted((a, b), key=abs)
        way, exact = _way(small, large, dtype)
        anchor, goal, rise = dtype(small), dtype(large), large > small
        arrived = anchor + dtype(way)
        assert arrived >= goal if rise else arrived <= goal
        assert exact == (arrived == goal)
        shorter = anchor + np.nextafter(np.nextafter(dtype(way), dtype(0)), dtype(0))
        assert shorter <= goal if rise else shorter >= goal


def test_between_any_ends_the_device_stays_within_them():
    progress = jnp.arange(6)
    for a, b in ends()[:60]:
        values = np.asarray(js.linear_schedule(a, b, 5)(progress))
        assert (values[0], values[-1]) == (np.float32(a), np.float32(b))
        assert min(values[0], values[-1]) <= values.min()
        assert values.max() <= max(values[0], values[-1])
        exact = np.asarray([(a * (5 - t) + b * t) / 5 for t in range(6)])
        np.testing.assert_allclose(values, exact, rtol=1e-6, atol=1e-6 * min(abs(a), abs(b)))


def test_a_way_starts_from_the_end_that_is_nearer_to_0():
    """Near that end the value keeps its digits, on whichever side of 0 the other one is."""
    long = 10**9
    for other in (1e6, -1e6):
        near = np.float32(1.0 + (other - 1.0) / long)
        rise, fall = js.linear_schedule(1.0, other, long), js.linear_schedule(other, 1.0, long)
        np.testing.assert_allclose(rise(jnp.int32(1)), near, rtol=2e-7)
        np.testing.assert_allclose(fall(jnp.int32(long - 1)), near, rtol=2e-7)


RISES = {
    "linear": (shapes.linear(), lambda s: s),
    "power": (shapes.power(2.5), lambda s: 1 - (1 - s) ** mp.mpf(2.5)),
    "inverse power": (shapes.inverse_power(0.5), lambda s: mp.sqrt(s)),
    "cosine": (shapes.cosine(), lambda s: mp.sin(mp.pi * s / 2) ** 2),
    "mirror cosine": (shapes.mirror_cosine(), lambda s: 2 * s - mp.sin(mp.pi * s / 2) ** 2),
    "rex": (shapes.rex(0.5), lambda s: s / 2 / (1 - s / 2)),
    "harmonic": (shapes.harmonic(0.1), lambda s: s / (s + (1 - s) / 10)),
}


@pytest.mark.parametrize("name", RISES)
def test_what_a_weight_lacks_of_1_has_all_digits(name):
    """After a millionth of the way the difference of 1 and the weight has few left."""
    way, lack = RISES[name]
    schedule = js.transition_schedule(0.0, 1.0, 10**6, way)
    exact = float(lack(mp.mpf(1) / 10**6))
    assert schedule(1) == pytest.approx(exact, rel=1e-14)
    assert schedule(jnp.int32(1)) == pytest.approx(exact, rel=1e-6)


def test_a_value_beyond_float32_is_its_largest():
    """A multiple of the largest rate: what the device ends at, and no infinity on the way."""
    for alpha in (1.2, 3.0, -3.0):
        schedule = js.cosine_decay_schedule(3e38, 4, alpha=alpha)
        assert schedule(4) == 3e38 * alpha
        assert np.isfinite(schedule(jnp.arange(5))).all()
        assert schedule(jnp.int32(4)) == np.float32(np.copysign(LARGEST, alpha))
    for end in (1.8e38, 2e38, 2.4e38, 3e38):  # the way between them is beyond float32
        values = np.asarray(js.linear_schedule(end, -end, 4)(jnp.arange(5)), np.float64)
        np.testing.assert_allclose(values, np.linspace(end, -end, 5), rtol=1e-6, atol=1e30)
    for base, peak in ((9e38, 1.0), (1.0, 9e38), (9e38, -9e38), (2e38, -2e38), (2.4e38, -2.4e38)):
        weights = jnp.asarray([0.0, 0.5, 1.0])
        values = np.asarray(lifted(base, peak, weights), np.float64)
        saturated = np.clip([base, peak], -LARGEST, LARGEST)
        np.testing.assert_allclose(values[[0, 2]], saturated, rtol=1e-7)
        assert np.isfinite(values).all()


def test_a_weight_lifts_from_the_base_to_the_peak():
    weights = [0.0, 0.25, 1.0, 1.5, -0.5]
    array = jnp.asarray(weights)
    for base, peak in ((0.0, 3.0), (1.0, 3.0), (3.0, 1.0), (2.0, 2.0), (-0.3, 0.7)):
        exact = np.asarray([base + (peak - base) * w for w in weights])
        free = lifted(base, peak, array, bounded=False)
        np.testing.assert_allclose(free, exact, rtol=1e-6, atol=1e-7)
        assert float(free[2]) == np.float32(peak) or base + peak == 0.4
        inside = np.asarray(lifted(base, peak, array[:3]))
        np.testing.assert_allclose(inside, exact[:3], rtol=1e-6)
        assert (inside[0], inside[2]) == (np.float32(base), np.float32(peak))
        for traced in (
            jax.jit(lifted)(base, peak, array),
            jax.jit(lambda b, p=peak: lifted(b, p, array))(base),
            jax.jit(lambda p, b=base: lifted(b, p, array))(peak),
        ):
            np.testing.assert_allclose(traced, exact, rtol=1e-6, atol=1e-6)


def test_a_free_weight_lifts_beyond_the_peak():
    for a, b in ends()[:60]:
        free = lifted(a, b, jnp.asarray([1.5, -0.5]), bounded=False)
        exact = [1.5 * b - 0.5 * a, 1.5 * a - 0.5 * b]
        np.testing.assert_allclose(free, exact, rtol=2e-6)


@shape(pinned="end")
def above(progress):
    return progress.remaining * 3.0 - 1.0


@shape(pinned="both", complement=lambda progress: progress.elapsed + 0.25)
def beside(progress):
    return progress.remaining - 0.25


def test_what_is_pinned_is_within_1_and_0():
    steps = range(5)
    fall = js.transition_schedule(1.0, 0.0, 4, shape=above())
    rise = js.transition_schedule(0.0, 1.0, 4, shape=above())
    pinned = js.transition_schedule(1.0, 0.0, 4, shape=beside())
    lifted_ = js.transition_schedule(0.0, 1.0, 4, shape=beside())
    for schedule, expected in (
        (fall, [1.0, 1.0, 0.5, 0.0, 0.0]),
        (rise, [0.0, 0.0, 0.5, 1.0, 1.0]),
        (pinned, [1.0, 0.5, 0.25, 0.0, 0.0]),
        (lifted_, [0.0, 0.5, 0.75, 1.0, 1.0]),
    ):
        assert [schedule(t) for t in steps] == expected
        np.testing.assert_array_equal(schedule(jnp.arange(5)), expected)


def test_equal_ends_that_are_no_number_of_float32(x64):
    schedule = js.linear_schedule(0.1, 0.1, 3)
    values = np.asarray(schedule(jnp.arange(4)), np.float64)
    np.testing.assert_array_equal(values, nx.float_dtype().type(0.1))


@pytest.mark.parametrize("name", ["between", "replace"])
def test_no_hyperparameter_of_a_shape_hides_a_method(name):
    scope = {"shape": shape}
    exec(f"def hidden(progress, {name}): return progress.remaining", scope)
    with pytest.raises(TypeError, match=f"'{name}' cannot be the name of a hyperparameter"):
        shape()(scope["hidden"])


def test_only_a_shape_is_a_shape():
    with pytest.raises(TypeError, match=r"must be a shape, such as shapes\.cosine\(\), got"):
        js.transition_schedule(1.0, 0.0, 4, shape=shapes.cosine)
